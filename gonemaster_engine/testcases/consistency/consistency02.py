"""CONSISTENCY02: all servers should carry the same SOA RNAME.

Specification: Zonemaster CONSISTENCY02. RFC 1035 section 3.3.13.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._mailbox import mailbox_text
from gonemaster_engine.testcases.consistency._shared import NO_RESPONSE, NO_RESPONSE_SOA_QUERY, group_by_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

RNAME = Tag("SOA_RNAME", Level.INFO, ("rname", "servers"))
ONE = Tag("ONE_SOA_RNAME", Level.INFO, ("rname",))
MULTIPLE = Tag("MULTIPLE_SOA_RNAMES", Level.NOTICE, ("count",))


@case("consistency02", MULTIPLE, NO_RESPONSE, NO_RESPONSE_SOA_QUERY, ONE, RNAME, query_types=("SOA",))
async def consistency02(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that all name servers have the same SOA RNAME."""
    findings, groups = await group_by_soa(
        zone, usable(await zone.all_servers()), lambda soa: mailbox_text(soa.rname).lower()
    )
    for finding in findings:
        yield finding
    if len(groups) == 1:
        yield ONE(rname=groups[0][0])
    elif groups:
        yield MULTIPLE(count=len(groups))
        for rname, servers in groups:
            yield RNAME(rname=rname, servers=servers)
