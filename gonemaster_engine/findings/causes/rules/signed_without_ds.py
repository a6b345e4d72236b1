"""The zone is signed, but the parent zone has no DS record."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SHOWS = "The DS record is made from the key with flags 257; the signer or the registrar can compute it."


def _find(run: Evidence) -> Found | None:
    found = run.find("DS07_NO_DS_FOR_SIGNED_ZONE", "DS01_PARENT_ZONE_NO_DS")
    if not found:
        return None
    return Found(
        sorted({*found, *run.find("DS07_NO_DS_ON_PARENT_SERVER", "DS24_*")}),
        snippets=(command(run.dig("+short", "DNSKEY", run.domain), _SHOWS),),
        records=("DS",),
    )


RULE = Rule(
    "signed_without_ds",
    Harm.ADVICE,
    Responsible.REGISTRAR,
    Texts(
        "The zone is signed, but the parent zone has no DS record",
        "No resolver validates the signatures, so they do not protect anyone yet.",
        "Have the registrar publish a DS record of the key that signs the DNSKEY records.",
    ),
    _find,
    shows=(_SHOWS,),
)
