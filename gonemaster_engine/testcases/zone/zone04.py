"""ZONE04: the SOA retry should not be too short.

Specification: Zonemaster ZONE04. RFC 1035 section 3.3.13, RFC 1912 section 2.2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._soa import NO_RESPONSE_SOA_QUERY, first_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

_KEYS = ("retry", "required_retry")
LOWER = Tag("RETRY_MINIMUM_VALUE_LOWER", Level.NOTICE, _KEYS)
OK = Tag("RETRY_MINIMUM_VALUE_OK", Level.INFO, _KEYS)


@case("zone04", NO_RESPONSE_SOA_QUERY, LOWER, OK)
async def zone04(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the SOA RETRY value is not too small."""
    soa = await first_soa(zone)
    if soa is None:
        yield NO_RESPONSE_SOA_QUERY()
        return
    required = zone.setting("zone04", "SOA_RETRY_MINIMUM_VALUE")
    tag = LOWER if soa.retry < required else OK
    yield tag(retry=soa.retry, required_retry=required)
