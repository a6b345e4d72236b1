"""NAMESERVER04: responses must come from the address that was queried.

Specification: Zonemaster NAMESERVER04. RFC 2181 section 4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.nameserver._shared import server_args
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

DIFFERENT = Tag("DIFFERENT_SOURCE_IP", Level.WARNING, ("ns", "address", "source"))
SAME = Tag("SAME_SOURCE_IP", Level.INFO, ("servers",))


@case("nameserver04", DIFFERENT, SAME, query_types=("SOA",))
async def nameserver04(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers respond from the address that was queried."""
    servers = usable(await zone.all_servers())
    pending = [(server, server.query(zone.name, "SOA", any_source=True)) for server in servers]
    answered = [(server, response) for server, answer in pending if (response := await answer)]
    deviating = [(server, response) for server, response in answered if response.source != server.address]
    for server, response in deviating:
        yield DIFFERENT(**server_args(server), source=response.source)
    if answered and not deviating:
        yield SAME(servers=[server for server, _ in answered])
