"""Signatures of the zone are not valid yet."""

from __future__ import annotations

from gonemaster_engine.findings.causes import signatures
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = (
    "DS08_DNSKEY_RRSIG_NOT_YET_VALID",
    "DS09_SOA_RRSIG_NOT_YET_VALID",
    "DS10_NSEC_RRSIG_NOT_YET_VALID",
    "DS10_NSEC3_RRSIG_NOT_YET_VALID",
)
_SHOWS = "The sixth field of an RRSIG record is the time from which the signature is valid, in UTC."


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    return Found(
        sorted({*found, *signatures.follows_from(run, found)}),
        harm=signatures.signature_harm(run, found),
        addresses=run.addresses(found),
        snippets=(command(run.dig("+dnssec", "SOA", run.domain), _SHOWS),),
        records=signatures.record_types(run, found),
        key_tags=signatures.key_tags(run, found),
    )


RULE = Rule(
    "signatures_not_yet_valid",
    Harm.VALIDATING_RESOLVERS,
    Responsible.ZONE,
    Texts(
        "The signatures of the zone are not valid yet",
        "Validating resolvers answer SERVFAIL for names whose signatures are not valid yet.",
        "Correct the clock of the signer, sign the zone again, and publish it on every name server.",
    ),
    _find,
    shows=(_SHOWS,),
)
