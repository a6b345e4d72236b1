"""A key rollover is under way, or was not finished."""

from __future__ import annotations

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, has_level
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SHOWS_DS = "The DS records in the parent zone."
_SHOWS_KEYS = "The keys of the zone; with +multiline, dig shows the key tag of each."


def _find(run: Evidence) -> Found | None:
    found = run.find_with_keys("DS18_*")
    if run.is_secure:
        found += run.find_with_keys("DS24_*")
    if not found:
        return None
    missing = run.has("DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY") or has_level(run, found, Level.WARNING)
    return Found(
        sorted(found),
        harm=Harm.RISK if missing else Harm.ADVICE,
        snippets=(
            command(f"dig +short DS {run.domain}", _SHOWS_DS),
            command(run.dig("+multiline", "DNSKEY", run.domain), _SHOWS_KEYS),
        ),
        records=("DNSKEY", "DS", "CDS", "CDNSKEY"),
    )


RULE = Rule(
    "key_rollover_unfinished",
    Harm.RISK,
    Responsible.ZONE,
    Texts(
        "A key rollover is not finished",
        "The keys of the zone and the DS records in the parent zone are not the same set. During a rollover, that is"
        " normal.",
        "If a rollover is under way, let it finish. If not, remove the keys and DS records that are no longer in use.",
    ),
    _find,
    shows=(_SHOWS_DS, _SHOWS_KEYS),
)
