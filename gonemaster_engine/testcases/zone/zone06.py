"""ZONE06: the SOA minimum, the TTL of negative answers, should be within bounds.

Specification: Zonemaster ZONE06. RFC 2308 sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._soa import NO_RESPONSE_SOA_QUERY, first_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

HIGHER = Tag("SOA_DEFAULT_TTL_MAXIMUM_VALUE_HIGHER", Level.NOTICE, ("minimum", "highest_minimum"))
LOWER = Tag("SOA_DEFAULT_TTL_MAXIMUM_VALUE_LOWER", Level.NOTICE, ("minimum", "lowest_minimum"))
OK = Tag("SOA_DEFAULT_TTL_MAXIMUM_VALUE_OK", Level.INFO, ("minimum", "highest_minimum", "lowest_minimum"))


@case("zone06", NO_RESPONSE_SOA_QUERY, HIGHER, LOWER, OK)
async def zone06(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the SOA MINIMUM value is neither too small nor too large."""
    soa = await first_soa(zone)
    if soa is None:
        yield NO_RESPONSE_SOA_QUERY()
        return
    lowest = zone.setting("zone06", "SOA_DEFAULT_TTL_MINIMUM_VALUE")
    highest = zone.setting("zone06", "SOA_DEFAULT_TTL_MAXIMUM_VALUE")
    if soa.minimum > highest:
        yield HIGHER(minimum=soa.minimum, highest_minimum=highest)
    elif soa.minimum < lowest:
        yield LOWER(minimum=soa.minimum, lowest_minimum=lowest)
    else:
        yield OK(minimum=soa.minimum, highest_minimum=highest, lowest_minimum=lowest)
