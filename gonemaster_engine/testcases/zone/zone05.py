"""ZONE05: the SOA expire should be long enough, and longer than the refresh.

Specification: Zonemaster ZONE05. RFC 1035 section 3.3.13, RFC 1912 section 2.2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._soa import NO_RESPONSE_SOA_QUERY, first_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

BELOW_REFRESH = Tag("EXPIRE_LOWER_THAN_REFRESH", Level.WARNING, ("expire", "refresh"))
LOWER = Tag("EXPIRE_MINIMUM_VALUE_LOWER", Level.WARNING, ("expire", "required_expire"))
OK = Tag("EXPIRE_MINIMUM_VALUE_OK", Level.INFO, ("expire", "refresh", "required_expire"))


@case("zone05", BELOW_REFRESH, LOWER, OK, NO_RESPONSE_SOA_QUERY)
async def zone05(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the SOA EXPIRE value is large enough, and not smaller than the REFRESH value."""
    soa = await first_soa(zone)
    if soa is None:
        yield NO_RESPONSE_SOA_QUERY()
        return
    required = zone.setting("zone05", "SOA_EXPIRE_MINIMUM_VALUE")
    if soa.expire < required:
        yield LOWER(expire=soa.expire, required_expire=required)
    if soa.expire < soa.refresh:
        yield BELOW_REFRESH(expire=soa.expire, refresh=soa.refresh)
    if soa.expire >= max(required, soa.refresh):
        yield OK(expire=soa.expire, refresh=soa.refresh, required_expire=required)
