"""ZONE03: the SOA retry should be shorter than the refresh.

Specification: Zonemaster ZONE03. RFC 1035 section 3.3.13, RFC 1912 section 2.2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._soa import NO_RESPONSE_SOA_QUERY, first_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

HIGHER = Tag("REFRESH_HIGHER_THAN_RETRY", Level.INFO, ("refresh", "retry"))
LOWER = Tag("REFRESH_LOWER_THAN_RETRY", Level.INFO, ("refresh", "retry"))


@case("zone03", NO_RESPONSE_SOA_QUERY, HIGHER, LOWER)
async def zone03(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the SOA RETRY value is smaller than the REFRESH value."""
    soa = await first_soa(zone)
    if soa is None:
        yield NO_RESPONSE_SOA_QUERY()
        return
    tag = HIGHER if soa.refresh > soa.retry else LOWER
    yield tag(refresh=soa.refresh, retry=soa.retry)
