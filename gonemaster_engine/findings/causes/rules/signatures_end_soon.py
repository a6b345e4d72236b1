"""Signatures of the zone expire soon."""

from __future__ import annotations

from gonemaster_engine.findings.causes import signatures
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SHOWS = "The fifth field of an RRSIG record is the time at which the signature expires, in UTC."


def _find(run: Evidence) -> Found | None:
    found = run.find("REMAINING_SHORT")
    if not found:
        return None
    return Found(
        found,
        harm=None if run.is_secure else Harm.STANDARD,
        args={"duration": min((time for time in run.values(found, "duration") if isinstance(time, int)), default=None)},
        snippets=(command(run.dig("+dnssec", "SOA", run.domain), _SHOWS),),
        records=signatures.record_types(run, found),
        key_tags=signatures.key_tags(run, found),
    )


RULE = Rule(
    "signatures_end_soon",
    Harm.RISK,
    Responsible.ZONE,
    Texts(
        "The signatures of the zone expire soon",
        "The first signature expires in {duration}. From then on, validating resolvers answer SERVFAIL.",
        "Check that the signer runs and that its newly signed zone reaches every name server. Renew signatures some"
        " days before they expire.",
    ),
    _find,
    shows=(_SHOWS,),
)
