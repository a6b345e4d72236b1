"""CONSISTENCY04: all servers should return the same NS set at the apex, with the same TTL.

Specification: Zonemaster CONSISTENCY04. RFC 1034 section 4.2.2, RFC 2181 section 5.2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.testcases.consistency._shared import NO_RESPONSE, grouped
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NO_RESPONSE_NS_QUERY = Tag("NO_RESPONSE_NS_QUERY", Level.DEBUG, ("ns", "address"))
ONE = Tag("ONE_NS_SET", Level.INFO, ("servers",))
MULTIPLE = Tag("MULTIPLE_NS_SET", Level.NOTICE, ("count",))
NS_SET = Tag("NS_SET", Level.INFO, ("ns_set_servers", "servers"))
INCONSISTENT_TTL = Tag("INCONSISTENT_NS_TTL", Level.NOTICE, ("count", "ttl_min", "ttl_max"))


@case(
    "consistency04",
    INCONSISTENT_TTL,
    MULTIPLE,
    NO_RESPONSE,
    NO_RESPONSE_NS_QUERY,
    NS_SET,
    ONE,
    query_types=("NS",),
)
async def consistency04(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that all name servers return the same NS RRset at the apex, with the same TTL."""
    servers = usable(await zone.all_servers())
    sets: list[tuple[tuple[str, ...], Nameserver]] = []
    ttls: set[int] = set()
    for server, response in await query_all(servers, zone.name, "NS"):
        await zone.wait_for_turn()
        if response is None:
            yield NO_RESPONSE(ns=server.name, address=server.address)
        elif not response.aa or not (records := response.records("NS", zone.name)):
            yield NO_RESPONSE_NS_QUERY(ns=server.name, address=server.address)
        else:
            sets.append((tuple(zone.admitted_names(record.target for record in records)), server))
            ttls.update(record.ttl for record in records)
    groups = grouped(sets)
    if len(groups) == 1:
        yield ONE(servers=groups[0][0])
    elif groups:
        yield MULTIPLE(count=len(groups))
        for ns_set, servers in groups:
            yield NS_SET(ns_set_servers=ns_set, servers=servers)
    if len(ttls) > 1:
        yield INCONSISTENT_TTL(count=len(ttls), ttl_min=min(ttls), ttl_max=max(ttls))
