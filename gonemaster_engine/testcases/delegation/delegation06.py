"""DELEGATION06: every name server should return the SOA record of the zone.

Specification: Zonemaster DELEGATION06. RFC 1035 section 3.3.13, RFC 2181 section 6.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import query_all
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

SOA_EXISTS = Tag("SOA_EXISTS", Level.INFO)
SOA_NOT_EXISTS = Tag("SOA_NOT_EXISTS", Level.ERROR, ("ns", "address"))


@case("delegation06", SOA_EXISTS, SOA_NOT_EXISTS, query_types=("SOA",))
async def delegation06(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that all name servers return the SOA record of the zone."""
    servers = usable(await zone.all_servers())
    with_soa = without_soa = False
    for server, response in await query_all(servers, zone.name, "SOA"):
        await zone.wait_for_turn()
        if response is None or response.rcode != "NOERROR":
            continue
        if response.has("SOA", zone.name):
            with_soa = True
        else:
            without_soa = True
            yield SOA_NOT_EXISTS(ns=server.name, address=server.address)
    if with_soa and not without_soa:
        yield SOA_EXISTS()
