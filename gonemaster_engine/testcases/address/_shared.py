"""Reverse lookups of addresses, for the cases about PTR records."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.zone.zone import Zone

WITHOUT_REVERSE = Tag("NAMESERVER_IP_WITHOUT_REVERSE", Level.NOTICE, ("ns", "address"))
NO_RESPONSE = Tag("NO_RESPONSE_PTR_QUERY", Level.WARNING, ("domain",))


class Reverse(NamedTuple):
    """The result of the reverse lookup of a server's address."""

    server: Nameserver
    domain: str  # the query name
    answered: bool
    names: list[str]  # names in the PTR records; also empty after an error


async def look_up(zone: Zone, servers: Iterable[Nameserver]) -> list[Reverse]:
    """Look up each distinct address concurrently; the first server by name represents all with that address."""
    first: dict[str, Nameserver] = {}
    for server in sorted(servers):
        first.setdefault(server.address, server)
    return await asyncio.gather(*(_look_up(zone, server) for server in first.values()))


async def _look_up(zone: Zone, server: Nameserver) -> Reverse:
    domain = ipaddress.ip_address(server.address).reverse_pointer
    resolution = await zone.recursor.resolve(domain, "PTR")
    response, problem = resolution.response, resolution.problem
    if response is None or response.rcode != "NOERROR" or problem:
        # An alias without a target is an answer, too.
        return Reverse(server, domain, response is not None or problem is not None, [])
    return Reverse(server, domain, answered=True, names=sorted({record.target for record in resolution.records("PTR")}))
