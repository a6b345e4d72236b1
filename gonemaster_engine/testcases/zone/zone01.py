"""ZONE01: the SOA MNAME should be a name server with the newest version of the zone.

Specification: Zonemaster ZONE01. RFC 1035 section 3.3.13, RFC 1982, RFC 1996 section 2.1, RFC 2136 section 1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response, from_dns_name
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.zone._serials import is_newer, newest
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_SERVER = ("ns", "address")
LOCALHOST_ADDRESS = Tag("Z01_MNAME_HAS_LOCALHOST_ADDR", Level.NOTICE, _SERVER)
IS_DOT = Tag("Z01_MNAME_IS_DOT", Level.NOTICE, ("addresses",))
IS_LOCALHOST = Tag("Z01_MNAME_IS_LOCALHOST", Level.NOTICE, ("addresses",))
IS_MASTER = Tag("Z01_MNAME_IS_MASTER", Level.INFO, ("servers",))
MISSING_SOA = Tag("Z01_MNAME_MISSING_SOA_RECORD", Level.NOTICE, _SERVER)
NO_RESPONSE = Tag("Z01_MNAME_NO_RESPONSE", Level.NOTICE, _SERVER)
NOT_AUTHORITATIVE = Tag("Z01_MNAME_NOT_AUTHORITATIVE", Level.NOTICE, _SERVER)
NOT_IN_NS_LIST = Tag("Z01_MNAME_NOT_IN_NS_LIST", Level.INFO, ("ns",))
NOT_MASTER = Tag("Z01_MNAME_NOT_MASTER", Level.NOTICE, ("servers", "soaserial", "soaserial_list"))
NOT_RESOLVE = Tag("Z01_MNAME_NOT_RESOLVE", Level.NOTICE, ("ns",))
UNEXPECTED_RCODE = Tag("Z01_MNAME_UNEXPECTED_RCODE", Level.NOTICE, (*_SERVER, "rcode"))

_LOOPBACK = frozenset({"127.0.0.1", "::1"})


@dataclass
class _SoaContents:
    """The contents of the SOA records of the zone's servers."""

    mnames: set[str] = field(default_factory=set)
    serials: set[int] = field(default_factory=set)
    localhost_at: set[str] = field(default_factory=set)  # addresses of servers
    dot_at: set[str] = field(default_factory=set)


@case(
    "zone01",
    LOCALHOST_ADDRESS,
    IS_DOT,
    IS_LOCALHOST,
    IS_MASTER,
    MISSING_SOA,
    NO_RESPONSE,
    NOT_AUTHORITATIVE,
    NOT_IN_NS_LIST,
    NOT_MASTER,
    NOT_RESOLVE,
    UNEXPECTED_RCODE,
    query_types=("SOA",),
)
async def zone01(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the SOA MNAME is a name server with the newest version of the zone."""
    servers = usable(await zone.all_servers())
    primaries_found = await _collect(zone, await query_all(servers, zone.name, "SOA"))
    if primaries_found.localhost_at:
        yield IS_LOCALHOST(addresses=sorted(primaries_found.localhost_at))
    if primaries_found.dot_at:
        yield IS_DOT(addresses=sorted(primaries_found.dot_at))
    primaries: list[tuple[Nameserver, int]] = []
    ns_names = await zone.ns_names()
    for mname in sorted(primaries_found.mnames):
        if mname not in ns_names:
            yield NOT_IN_NS_LIST(ns=mname)
        async for finding in _query_primary(zone, mname, usable, primaries):
            yield finding
    for finding in _compare(primaries, primaries_found.serials):
        yield finding


async def _collect(zone: Zone, answers: list[tuple[Nameserver, Response | None]]) -> _SoaContents:
    seen = _SoaContents()
    for server, response in answers:
        await zone.wait_for_turn()
        if response is None or response.rcode != "NOERROR" or not response.aa:
            continue
        for record in response.records("SOA", zone.name):
            soa: Any = record.rdata
            mname = from_dns_name(soa.mname)
            seen.serials.add(soa.serial)
            if mname == "localhost":
                seen.localhost_at.add(server.address)
            elif mname == names.ROOT:
                seen.dot_at.add(server.address)
            else:
                seen.mnames.add(mname)
    return seen


async def _query_primary(
    zone: Zone, mname: str, usable: ServerFilter, primaries: list[tuple[Nameserver, int]]
) -> AsyncIterator[Finding]:
    """Query the server named by the MNAME; add it with its serial to `primaries`, or yield its faults."""
    addresses = await zone.recursor.addresses(mname)
    if not addresses:
        yield NOT_RESOLVE(ns=mname)
    for address in addresses:
        if address in _LOOPBACK:
            yield LOCALHOST_ADDRESS(ns=mname, address=address)
    reachable = [zone.nameserver(mname, address) for address in addresses if address not in _LOOPBACK]
    for server, response in await query_all(usable(reachable), zone.name, "SOA"):
        await zone.wait_for_turn()
        fault = _fault(zone.name, server, response)
        if fault:
            yield fault
        elif response:
            soa: Any = response.records("SOA", zone.name)[0].rdata
            primaries.append((server, soa.serial))


def _fault(zone_name: str, server: Nameserver, response: Response | None) -> Finding | None:
    about = {"ns": server.name, "address": server.address}
    if response is None:
        return NO_RESPONSE(**about)
    if response.rcode != "NOERROR":
        return UNEXPECTED_RCODE(**about, rcode=response.rcode)
    if not response.has("SOA", zone_name):
        return MISSING_SOA(**about)
    return None if response.aa else NOT_AUTHORITATIVE(**about)


def _compare(primaries: list[tuple[Nameserver, int]], serials: set[int]) -> list[Finding]:
    behind = [primary for primary in primaries if any(is_newer(serial, primary[1]) for serial in serials)]
    ahead = [server for server, serial in primaries if (server, serial) not in behind]
    findings = []
    if behind:
        findings.append(
            NOT_MASTER(
                servers=[server for server, _ in behind],
                soaserial=newest(serial for _, serial in behind),
                soaserial_list=";".join(map(str, sorted(serials))),
            )
        )
    if ahead:
        findings.append(IS_MASTER(servers=ahead))
    return findings
