"""Signatures of the zone have expired."""

from __future__ import annotations

from gonemaster_engine.findings.causes import signatures
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts
from gonemaster_engine.findings.messages.formatting import instant

_TAGS = (
    "RRSIG_EXPIRED",
    "DS08_DNSKEY_RRSIG_EXPIRED",
    "DS09_SOA_RRSIG_EXPIRED",
    "DS10_NSEC_RRSIG_EXPIRED",
    "DS10_NSEC3_RRSIG_EXPIRED",
    "DS22_NS_ADDRESS_RRSIG_EXPIRED",
)
_SHOWS = "The fifth field of an RRSIG record is the time at which the signature expires, in UTC."


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    times = [time for time in run.values(found, "expiration") if isinstance(time, int)]
    types = signatures.record_types(run, found)
    return Found(
        sorted({*found, *signatures.follows_from(run, found)}),
        harm=signatures.signature_harm(run, found),
        addresses=run.addresses(found),
        snippets=(command(run.dig("+dnssec", types[0] if types else "SOA", run.domain), _SHOWS),),
        records=types,
        key_tags=signatures.key_tags(run, found),
        since=instant(min(times)) if times else None,
    )


RULE = Rule(
    "signatures_expired",
    Harm.VALIDATING_RESOLVERS,
    Responsible.ZONE,
    Texts(
        "The signatures of the zone have expired",
        "Validating resolvers answer SERVFAIL for names whose signatures have expired.",
        "Run the signer, and publish the newly signed zone on every name server. Then check why the signer stopped:"
        " signatures are usually renewed some days before they expire.",
    ),
    _find,
    shows=(_SHOWS,),
)
