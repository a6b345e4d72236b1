"""CDS and CDNSKEY records do not announce usable keys."""

from __future__ import annotations

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, has_level
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SHOWS = "The records that request a change of the DS records in the parent zone."


def _find(run: Evidence) -> Found | None:
    found = run.find_with_keys("DS15_*", "DS16_*", "DS17_*", "DS18_NO_MATCH_*")
    if not found:
        return None
    serious = has_level(run, found, Level.WARNING)
    return Found(
        sorted({*found, *(run.find("DS18_CDS_*", "DS18_CDNSKEY_*") if serious else ())}),
        harm=None if serious else Harm.ADVICE,
        addresses=run.addresses(found),
        snippets=(
            command(run.dig("+dnssec", "CDS", run.domain), _SHOWS),
            command(run.dig("+dnssec", "CDNSKEY", run.domain), _SHOWS),
        ),
        records=("CDS", "CDNSKEY"),
        key_tags=tuple(tag for tag in run.values(found, "keytag") if isinstance(tag, int)),
    )


RULE = Rule(
    "cds_wrong",
    Harm.RISK,
    Responsible.ZONE,
    Texts(
        "The CDS and CDNSKEY records are wrong or incomplete",
        "A parent zone that follows them ignores the request, or takes DS records that do not fit the keys of the"
        " zone.",
        "Publish CDS and CDNSKEY records of the same keys, signed with the keys of the zone, on every name server, or"
        " remove them.",
    ),
    _find,
    shows=(_SHOWS,),
)
