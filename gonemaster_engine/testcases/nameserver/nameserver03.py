"""NAMESERVER03: the zone should not be open for transfer.

Specification: Zonemaster NAMESERVER03. RFC 5936.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.nameserver._shared import grouped
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

AVAILABLE = Tag("AXFR_AVAILABLE", Level.NOTICE, ("servers",))
FAILURE = Tag("AXFR_FAILURE", Level.INFO, ("servers",))


@case("nameserver03", AVAILABLE, FAILURE, query_types=("AXFR",))
async def nameserver03(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers do not allow zone transfers (AXFR) to everyone."""
    servers = usable(await zone.all_servers())
    pending = [(server, server.axfr(zone.name)) for server in servers]
    groups = grouped([(_starts_transfer(await answer, zone.name), server) for server, answer in pending])
    for is_open, tag in ((True, AVAILABLE), (False, FAILURE)):
        if groups[is_open]:
            yield tag(servers=groups[is_open])


def _starts_transfer(response: Response | None, zone_name: str) -> bool:
    """Return whether the first record is the zone's SOA record (RFC 5936 section 2.2)."""
    if response is None or not response.answer:
        return False
    first = response.answer[0]
    return first.rtype == "SOA" and first.owner == zone_name
