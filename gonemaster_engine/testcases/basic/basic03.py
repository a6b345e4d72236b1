"""BASIC03: a broken zone may still serve A records of its website.

This explains why a domain that cannot be tested seems to work. It runs only if BASIC02 found no working name server.

Specification: Zonemaster BASIC03.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import query_all
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import IPV4_ENABLED, IPV6_ENABLED, ServerFilter, enabled
from gonemaster_engine.zone.zone import Zone

NO_RESPONSES = Tag("A_QUERY_NO_RESPONSES", Level.INFO)
HAS_A = Tag("HAS_A_RECORDS", Level.ERROR, ("ns", "address", "domain"))
NO_A = Tag("NO_A_RECORDS", Level.DEBUG, ("ns", "address", "domain"))


@case("basic03", NO_RESPONSES, HAS_A, NO_A, IPV4_ENABLED, IPV6_ENABLED, query_types=("A",))
async def basic03(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Look up the A records of www when the zone has no working name server."""
    servers = usable(await zone.glue())
    for finding in (finding for server in servers for finding in enabled(server, ["A"])):
        yield finding
    www = names.prepend("www", zone.name)
    answered = False
    for server, response in await query_all(servers, www, "A"):
        await zone.wait_for_turn()
        if response is not None:
            answered = True
            tag = HAS_A if response.has("A", www) else NO_A
            yield tag(ns=server.name, address=server.address, domain=www)
    if servers and not answered:
        yield NO_RESPONSES()
