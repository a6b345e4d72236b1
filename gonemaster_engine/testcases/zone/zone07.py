"""ZONE07: the SOA MNAME should have an address and not be an alias.

Specification: Zonemaster ZONE07. RFC 1035 section 3.3.13, RFC 1912 section 2.4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.messages import from_dns_name
from gonemaster_engine.testcases._aliases import is_alias
from gonemaster_engine.testcases._soa import NO_RESPONSE_SOA_QUERY, first_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

NO_ADDRESS = Tag("MNAME_HAS_NO_ADDRESS", Level.WARNING, ("mname",))
IS_CNAME = Tag("MNAME_IS_CNAME", Level.NOTICE, ("mname",))
IS_NOT_CNAME = Tag("MNAME_IS_NOT_CNAME", Level.INFO, ("mname",))


@case("zone07", NO_ADDRESS, IS_CNAME, IS_NOT_CNAME, NO_RESPONSE_SOA_QUERY)
async def zone07(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the SOA MNAME has an address and is not an alias (CNAME)."""
    soa = await first_soa(zone)
    if soa is None:
        yield NO_RESPONSE_SOA_QUERY()
        return
    mname = from_dns_name(soa.mname)
    resolutions = [(rtype, await zone.recursor.resolve(mname, rtype)) for rtype in ("A", "AAAA")]
    if any(is_alias(resolution, mname) for _, resolution in resolutions):
        yield IS_CNAME(mname=mname)
    elif any(resolution.response for _, resolution in resolutions):
        yield IS_NOT_CNAME(mname=mname)
    if not any(resolution.records(rtype) for rtype, resolution in resolutions):
        yield NO_ADDRESS(mname=mname)
