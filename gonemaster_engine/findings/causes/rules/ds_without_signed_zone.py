"""The parent zone has DS records, but the zone is not signed, or its keys are not."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_FOLLOWS = (
    "DS02_*",
    "DS03_NO_DNSSEC_SUPPORT",
    "DS05_ZONE_NO_DNSSEC",
    "DS07_NOT_SIGNED_ON_SERVER",
    "DS10_ZONE_NO_DNSSEC",
    "DS11_NS_WITH_UNSIGNED_ZONE",
    "DS20_NO_DNSSEC",
)
_SHOWS = "The DS records that the registrar has to remove."


def _find(run: Evidence) -> Found | None:
    unsigned = run.find("DS11_DS_BUT_UNSIGNED_ZONE", "DS07_NOT_SIGNED")
    has_ds = run.has("DS11_DS_BUT_UNSIGNED_ZONE", "DS07_DS_ON_PARENT_SERVER", "DS11_PARENT_WITH_DS")
    if not unsigned or not has_ds or run.has("DS07_SIGNED", "DS07_INCONSISTENT_SIGNED", "DS08_DNSKEY_RRSIG_VALID"):
        return None
    return Found(
        sorted({*unsigned, *run.find(*_FOLLOWS)}),
        snippets=(command(f"dig +short DS {run.domain}", _SHOWS),),
        records=("DS", "DNSKEY"),
    )


RULE = Rule(
    "ds_without_signed_zone",
    Harm.VALIDATING_RESOLVERS,
    Responsible.REGISTRAR,
    Texts(
        "The parent zone has DS records, but the zone has no signed keys",
        "Validating resolvers answer SERVFAIL for every name in the zone.",
        "Have the registrar remove the DS records, or sign the zone with the keys that they belong to.",
    ),
    _find,
    shows=(_SHOWS,),
)
