"""DNSSEC04: the lifetime of the signatures over DNSKEY and SOA.

Specification: Zonemaster DNSSEC04. RFC 4034 section 3.1.5, RFC 6781 section 4.4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gonemaster_engine.dnssec.records import Rrsig, all_signatures
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.rrtypes import type_text
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

_SPAN_KEYS = ("keytag", "types", "duration")
EXPIRATION = Tag("RRSIG_EXPIRATION", Level.INFO, ("keytag", "types", "date"))
EXPIRED = Tag("RRSIG_EXPIRED", Level.ERROR, ("keytag", "types", "expiration"))
REMAINING_SHORT = Tag("REMAINING_SHORT", Level.WARNING, _SPAN_KEYS)
REMAINING_LONG = Tag("REMAINING_LONG", Level.WARNING, _SPAN_KEYS)
DURATION_LONG = Tag("DURATION_LONG", Level.WARNING, _SPAN_KEYS)
DURATION_OK = Tag("DURATION_OK", Level.DEBUG, _SPAN_KEYS)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@case("dnssec04", EXPIRATION, EXPIRED, REMAINING_SHORT, REMAINING_LONG, DURATION_LONG, DURATION_OK)
async def dnssec04(zone: Zone) -> list[Finding]:
    """Check that the signatures expire neither too soon nor too late."""
    keys = await zone.query_auth(zone.name, "DNSKEY", dnssec=True)
    soa = await zone.query_auth(zone.name, "SOA", dnssec=True)
    if keys is None or soa is None:
        return []
    return [
        finding
        for response in (keys, soa)
        for signature in sorted(all_signatures(response), key=lambda found: (found.covered, found.tag, found.rdata))
        for finding in _judge(zone, signature)
    ]


def _judge(zone: Zone, signature: Rrsig) -> Iterator[Finding]:
    of = {"keytag": signature.tag, "types": type_text(signature.covered)}
    remaining, duration = signature.remaining(zone.now), signature.duration
    end = _EPOCH + timedelta(seconds=zone.now + remaining)
    yield EXPIRATION(**of, date=end.strftime("%Y-%m-%dT%H:%M:%SZ"))
    is_bad = True
    if remaining < 0:
        yield EXPIRED(**of, expiration=zone.now + remaining)
    elif remaining < zone.setting("dnssec04", "REMAINING_SHORT"):
        yield REMAINING_SHORT(**of, duration=remaining)
    elif remaining > zone.setting("dnssec04", "REMAINING_LONG"):
        yield REMAINING_LONG(**of, duration=remaining)
    else:
        is_bad = False
    if duration > zone.setting("dnssec04", "DURATION_LONG"):
        yield DURATION_LONG(**of, duration=duration)
    elif not is_bad:
        yield DURATION_OK(**of, duration=duration)
