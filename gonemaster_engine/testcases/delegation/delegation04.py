"""DELEGATION04: every name server should be authoritative for the zone, over UDP and over TCP.

Specification: Zonemaster DELEGATION04. RFC 2181 section 5.4.1, RFC 7766.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

ARE_AUTHORITATIVE = Tag("ARE_AUTHORITATIVE", Level.INFO, ("servers",))
IS_NOT_AUTHORITATIVE = Tag("IS_NOT_AUTHORITATIVE", Level.WARNING, ("ns", "address", "proto"))


@case("delegation04", ARE_AUTHORITATIVE, IS_NOT_AUTHORITATIVE, query_types=("SOA",))
async def delegation04(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that all name servers are authoritative for the zone, over UDP and over TCP."""
    servers = usable(await zone.all_servers())
    pending = [
        (server, proto, server.query(zone.name, "SOA", tcp=proto == "TCP"))
        for server in servers
        for proto in ("UDP", "TCP")
    ]
    authoritative = set()
    faulty = False
    for server, proto, answer in pending:
        response = await answer
        if response is None:
            continue
        if response.aa:
            authoritative.add(server.name)
        else:
            faulty = True
            yield IS_NOT_AUTHORITATIVE(ns=server.name, address=server.address, proto=proto)
    if authoritative and not faulty:
        yield ARE_AUTHORITATIVE(servers=authoritative)
