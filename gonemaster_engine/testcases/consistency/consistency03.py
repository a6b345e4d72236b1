"""CONSISTENCY03: all servers should carry the same SOA timers.

Specification: Zonemaster CONSISTENCY03. RFC 1035 section 3.3.13, RFC 2308 section 4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.consistency._shared import NO_RESPONSE, NO_RESPONSE_SOA_QUERY, group_by_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_TIMERS = ("refresh", "retry", "expire", "minimum")
TIMERS = Tag("SOA_TIME_PARAMETER_SET", Level.INFO, (*_TIMERS, "servers"))
ONE = Tag("ONE_SOA_TIME_PARAMETER_SET", Level.INFO, _TIMERS)
MULTIPLE = Tag("MULTIPLE_SOA_TIME_PARAMETER_SET", Level.NOTICE, ("count",))


@case("consistency03", MULTIPLE, NO_RESPONSE, NO_RESPONSE_SOA_QUERY, ONE, TIMERS, query_types=("SOA",))
async def consistency03(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that all name servers have the same SOA timers."""
    findings, groups = await group_by_soa(
        zone, usable(await zone.all_servers()), lambda soa: (soa.refresh, soa.retry, soa.expire, soa.minimum)
    )
    for finding in findings:
        yield finding
    if len(groups) == 1:
        yield ONE(**dict(zip(_TIMERS, groups[0][0], strict=True)))
    elif groups:
        yield MULTIPLE(count=len(groups))
        for timers, servers in groups:
            yield TIMERS(**dict(zip(_TIMERS, timers, strict=True)), servers=servers)
