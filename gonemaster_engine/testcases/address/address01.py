"""ADDRESS01: the addresses of the name servers must be globally reachable.

Specification: Zonemaster ADDRESS01. IANA special-purpose address registries (RFC 6890).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator

from gonemaster_engine.addresses import Reach, classify
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.testcases._aliases import ALIAS_TAGS, alias_findings
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

NO_NAME_SERVERS = Tag("A01_NO_NAME_SERVERS_FOUND", Level.CRITICAL)
NONE_GLOBAL = Tag("A01_NO_GLOBALLY_REACHABLE_ADDR", Level.ERROR, claims_all=True)
BY_REACH = {
    Reach.DOCUMENTATION: Tag("A01_DOCUMENTATION_ADDR", Level.ERROR, ("servers",)),
    Reach.LOCAL_USE: Tag("A01_LOCAL_USE_ADDR", Level.ERROR, ("servers",)),
    Reach.NOT_GLOBAL: Tag("A01_ADDR_NOT_GLOBALLY_REACHABLE", Level.ERROR, ("servers",)),
    Reach.GLOBAL: Tag("A01_GLOBALLY_REACHABLE_ADDR", Level.INFO, ("servers",)),
}


@case("address01", NO_NAME_SERVERS, NONE_GLOBAL, *BY_REACH.values(), *ALIAS_TAGS)
async def address01(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the addresses of the name servers are globally reachable."""
    servers = {*(await zone.delegation_servers() or ()), *(await zone.apex_servers() or ())}
    for finding in await alias_findings(
        zone, [*(await zone.delegation_names() or ()), *(await zone.apex_names() or ())]
    ):
        yield finding
    if not servers:
        yield NO_NAME_SERVERS()
        return
    groups: dict[Reach, list[Nameserver]] = defaultdict(list)
    for server in servers:
        groups[classify(server.address)].append(server)
    for reach, tag in BY_REACH.items():
        if groups[reach]:
            yield tag(servers=groups[reach])
    unknown = {name for rtype in ("A", "AAAA") for name in await zone.names_with_unknown_address(rtype)}
    if not groups[Reach.GLOBAL] and unknown <= {server.name for server in servers}:
        yield NONE_GLOBAL()
