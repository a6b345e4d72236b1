"""BASIC02: at least one name server in the delegation must be authoritative; otherwise each server's fault is reported.

Specification: Zonemaster BASIC02. RFC 1034 section 4.2.2, RFC 2181 section 5.4.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import IPV4_ENABLED, IPV6_ENABLED, ServerFilter, enabled
from gonemaster_engine.zone.zone import Zone

_SERVER = ("ns", "address")
AUTH_RESPONSE = Tag("B02_AUTH_RESPONSE_SOA", Level.INFO, ("domain", "servers"))
NO_DELEGATION = Tag("B02_NO_DELEGATION", Level.CRITICAL, ("domain",))
NO_WORKING_NS = Tag("B02_NO_WORKING_NS", Level.CRITICAL, ("domain",), claims_all=True)
BROKEN = Tag("B02_NS_BROKEN", Level.ERROR, _SERVER)
NOT_AUTH = Tag("B02_NS_NOT_AUTH", Level.ERROR, _SERVER)
NO_ADDRESS = Tag("B02_NS_NO_IP_ADDR", Level.ERROR, ("ns",))
NO_RESPONSE = Tag("B02_NS_NO_RESPONSE", Level.WARNING, _SERVER)
UNEXPECTED_RCODE = Tag("B02_UNEXPECTED_RCODE", Level.ERROR, (*_SERVER, "rcode"))


@case(
    "basic02",
    AUTH_RESPONSE,
    NO_DELEGATION,
    NO_WORKING_NS,
    BROKEN,
    NOT_AUTH,
    NO_ADDRESS,
    NO_RESPONSE,
    UNEXPECTED_RCODE,
    IPV4_ENABLED,
    IPV6_ENABLED,
    query_types=("SOA",),
)
async def basic02(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that at least one name server in the delegation is authoritative for the zone."""
    ns_names = await zone.glue_names()
    if not ns_names:
        yield NO_DELEGATION(domain=zone.name)
        return
    resolved = await zone.glue()
    servers = usable(resolved)
    for finding in (finding for server in servers for finding in enabled(server, ["SOA"])):
        yield finding
    working: list[Nameserver] = []
    faults: list[Finding] = []
    for server, response in await query_all(servers, zone.name, "SOA"):
        await zone.wait_for_turn()
        fault = _fault(zone.name, server, response)
        if fault:
            faults.append(fault)
        else:
            working.append(server)
    if working:
        yield AUTH_RESPONSE(domain=zone.name, servers=working)
        return
    yield NO_WORKING_NS(domain=zone.name)
    for fault in faults:
        yield fault
    for name in sorted(set(ns_names) - {server.name for server in resolved}):
        yield NO_ADDRESS(ns=name)


def is_working(zone_name: str, response: Response | None) -> bool:
    """Return whether a response to an SOA query comes from a working server."""
    return response is not None and response.rcode == "NOERROR" and response.aa and response.has("SOA", zone_name)


def _fault(zone_name: str, server: Nameserver, response: Response | None) -> Finding | None:
    about = {"ns": server.name, "address": server.address}
    if response is None:
        return NO_RESPONSE(**about)
    if response.rcode != "NOERROR":
        return UNEXPECTED_RCODE(**about, rcode=response.rcode)
    if not response.aa:
        return NOT_AUTH(**about)
    return None if is_working(zone_name, response) else BROKEN(**about)
