"""NAMESERVER06: the names of the name servers must have addresses.

Specification: Zonemaster NAMESERVER06. RFC 1035.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

RESOLVED = Tag("CAN_BE_RESOLVED", Level.INFO)
NOT_RESOLVED = Tag("CAN_NOT_BE_RESOLVED", Level.ERROR, ("servers",))
NONE_RESOLVED = Tag("NO_RESOLUTION", Level.ERROR, ("servers",))


@case("nameserver06", RESOLVED, NOT_RESOLVED, NONE_RESOLVED)
async def nameserver06(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the name server names have addresses."""
    with_address = {server.name for server in await zone.all_servers()}
    without = set(await zone.all_names()) - with_address
    if not with_address:
        yield NONE_RESOLVED(servers=without)
    elif without:
        yield NOT_RESOLVED(servers=without)
    else:
        yield RESOLVED()
