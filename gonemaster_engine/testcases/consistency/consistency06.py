"""CONSISTENCY06: all servers should carry the same SOA MNAME.

Specification: Zonemaster CONSISTENCY06. RFC 1035 section 3.3.13.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.messages import from_dns_name
from gonemaster_engine.testcases.consistency._shared import NO_RESPONSE, NO_RESPONSE_SOA_QUERY, group_by_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

MNAME = Tag("SOA_MNAME", Level.INFO, ("mname", "servers"))
ONE = Tag("ONE_SOA_MNAME", Level.INFO, ("mname",))
MULTIPLE = Tag("MULTIPLE_SOA_MNAMES", Level.NOTICE, ("count",))


@case("consistency06", MULTIPLE, NO_RESPONSE, NO_RESPONSE_SOA_QUERY, ONE, MNAME, query_types=("SOA",))
async def consistency06(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that all name servers have the same SOA MNAME."""
    servers = usable(await zone.all_servers())
    findings, groups = await group_by_soa(zone, servers, lambda soa: from_dns_name(soa.mname))
    for finding in findings:
        yield finding
    if len(groups) == 1:
        yield ONE(mname=groups[0][0])
    elif groups:
        yield MULTIPLE(count=len(groups))
        for mname, servers in groups:
            yield MNAME(mname=mname, servers=servers)
