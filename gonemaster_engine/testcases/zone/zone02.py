"""ZONE02: the SOA refresh should not be too short.

Specification: Zonemaster ZONE02. RFC 1035 section 3.3.13, RFC 1912 section 2.2, RFC 1996 (NOTIFY).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._soa import NO_RESPONSE_SOA_QUERY, first_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

_KEYS = ("refresh", "required_refresh")
LOWER = Tag("REFRESH_MINIMUM_VALUE_LOWER", Level.NOTICE, _KEYS)
OK = Tag("REFRESH_MINIMUM_VALUE_OK", Level.INFO, _KEYS)


@case("zone02", NO_RESPONSE_SOA_QUERY, LOWER, OK)
async def zone02(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the SOA REFRESH value is not too small."""
    soa = await first_soa(zone)
    if soa is None:
        yield NO_RESPONSE_SOA_QUERY()
        return
    required = zone.setting("zone02", "SOA_REFRESH_MINIMUM_VALUE")
    tag = LOWER if soa.refresh < required else OK
    yield tag(refresh=soa.refresh, required_refresh=required)
