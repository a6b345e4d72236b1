"""ZONE10: exactly one SOA record at the apex, and no alias at the same name.

Specification: Zonemaster ZONE10. RFC 1035 section 5.2, RFC 2181 sections 6.1 and 10.1, RFC 6672 section 2.3.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_SERVER = ("ns", "address")
APEX_DNAME = Tag("APEX_DNAME", Level.NOTICE, _SERVER)
MULTIPLE_SOA = Tag("MULTIPLE_SOA", Level.ERROR, (*_SERVER, "count"))
NO_RESPONSE = Tag("NO_RESPONSE", Level.DEBUG, _SERVER)
NO_SOA = Tag("NO_SOA_IN_RESPONSE", Level.DEBUG, _SERVER)
ONE_SOA = Tag("ONE_SOA", Level.INFO)
SOA_AND_CNAME = Tag("SOA_AND_CNAME", Level.ERROR, _SERVER)
WRONG_SOA = Tag("WRONG_SOA", Level.DEBUG, (*_SERVER, "owner", "query_name"))


@case(
    "zone10",
    APEX_DNAME,
    MULTIPLE_SOA,
    NO_RESPONSE,
    NO_SOA,
    ONE_SOA,
    SOA_AND_CNAME,
    WRONG_SOA,
    query_types=("SOA",),
)
async def zone10(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the zone has exactly one SOA record, and no CNAME or DNAME record at its apex."""
    servers = usable(await zone.all_servers())
    correct: list[Nameserver] = []
    faulty = False
    for server, response in await query_all(servers, zone.name, "SOA"):
        await zone.wait_for_turn()
        if response is None:
            yield NO_RESPONSE(ns=server.name, address=server.address)
        elif fault := _fault(zone.name, server, response):
            faulty = True
            yield fault
        else:
            correct.append(server)
    if correct and not faulty:
        yield ONE_SOA()
    for finding in await _aliases(zone.name, correct):
        yield finding


def _fault(zone_name: str, server: Nameserver, response: Response) -> Finding | None:
    about = {"ns": server.name, "address": server.address}
    records = response.records("SOA")
    if not records:
        return NO_SOA(**about)
    if len(records) > 1:
        return MULTIPLE_SOA(**about, count=len(records))
    if records[0].owner != zone_name:
        return WRONG_SOA(**about, owner=records[0].owner, query_name=zone_name)
    return None


async def _aliases(zone_name: str, servers: list[Nameserver]) -> list[Finding]:
    pending = [
        (server, tag, rtype, server.query(zone_name, rtype))
        for server in servers
        for tag, rtype in ((SOA_AND_CNAME, "CNAME"), (APEX_DNAME, "DNAME"))
    ]
    findings = []
    for server, tag, rtype, answer in pending:
        response = await answer
        if response and response.rcode == "NOERROR" and response.has(rtype, zone_name):
            findings.append(tag(ns=server.name, address=server.address))
    return findings
