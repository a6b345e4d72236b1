"""A DS record in the parent zone matches no key of the zone."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, validation_harm
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = (
    "DS02_NO_DNSKEY_FOR_DS",
    "DS02_NO_MATCH_DS_DNSKEY",
    "DS02_NO_VALID_DNSKEY_FOR_ANY_DS",
    "DS02_DS_ALGO_DNSKEY_MISMATCH",
    "DS02_DNSKEY_NOT_FOR_ZONE_SIGNING",
)
_FOLLOWS = (
    "DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY",
    "DS18_NO_MATCH_*",
    "DS18_CDS_ROLLOVER_SIGNALED",
    "DS18_CDNSKEY_ROLLOVER_SIGNALED",
)
_SHOWS_DS = "The DS records; the first number of each is the key tag."
_SHOWS_KEYS = "The keys of the zone; with +multiline, dig shows the key tag of each."
_ONE_WORKS = Texts(
    "A DS record in the parent zone matches no key of the zone",
    "Resolvers validate with another DS record. If that one is removed, or its key, the domain stops working for them.",
    "Have the registrar remove the DS record with key tag {key_tags}, unless it is part of a key rollover that is"
    " under way.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    harm = validation_harm(run, run.addresses(found), unharmed=run.addresses_with("DS02_MATCH_DS_DNSKEY"))
    if harm is not Harm.RISK:
        found += run.find("DS02_*", "DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS", "DS22_*")
    key_tags = [tag for tag in run.values(found, "keytag") if isinstance(tag, int)]
    return Found(
        sorted({*found, *run.find(*_FOLLOWS)}),
        harm=harm,
        addresses=run.addresses(found),
        texts=_ONE_WORKS if harm is Harm.RISK else None,
        args={"key_tags": key_tags},
        snippets=(
            command(f"dig +short DS {run.domain}", _SHOWS_DS),
            command(run.dig("+multiline", "DNSKEY", run.domain), _SHOWS_KEYS),
        ),
        records=("DS", "DNSKEY"),
        key_tags=tuple(key_tags),
    )


RULE = Rule(
    "ds_without_key",
    Harm.VALIDATING_RESOLVERS,
    Responsible.REGISTRAR,
    Texts(
        "The DS records in the parent zone match no key of the zone",
        "Validating resolvers answer SERVFAIL for every name in the zone.",
        "Have the registrar replace the DS records with one of a key that signs the zone. If that takes long and the"
        " zone needs to work at once, have the registrar remove all DS records.",
    ),
    _find,
    variants=(_ONE_WORKS,),
    shows=(_SHOWS_DS, _SHOWS_KEYS),
)
