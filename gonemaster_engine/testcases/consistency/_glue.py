"""Addresses of name servers, in the delegation and in the zone: what the two forms of consistency05 compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.resolver.recursor import is_conclusive
from gonemaster_engine.testcases._referrals import delegated_names, glue_addresses
from gonemaster_engine.zone.zone import Zone

TYPES: Final = ("A", "AAAA")


@dataclass
class ChildData:
    """Addresses by name in the zone, and the servers that did not return theirs."""

    addresses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    settled: set[tuple[str, str]] = field(default_factory=set)  # names and address types that a server answered
    unresponsive: set[Nameserver] = field(default_factory=set)
    failed: set[Nameserver] = field(default_factory=set)

    def has_other_addresses(self, server: Nameserver) -> bool:
        """Return whether the zone has addresses for the server's name, but not the address that was queried."""
        addresses = self.addresses.get(server.name, set())
        return bool(addresses) and server.address not in addresses


def delegated_glue(zone: Zone, responses: Iterable[Response]) -> dict[str, set[str]]:
    """Return all glue by name, sorted by name, without names that have no glue."""
    glue: dict[str, set[str]] = defaultdict(set)
    for response in responses:
        for name in delegated_names(zone, response):
            glue[name] |= glue_addresses(response, name)
    return {name: glue[name] for name in sorted(glue) if glue[name]}


async def query_child(zone: Zone, servers: Iterable[Nameserver], in_domain: Iterable[str]) -> ChildData:
    """Return the addresses that the servers have for names in the zone."""
    asked = list(servers)
    pending = [
        (name, qtype, server, server.query(name, qtype)) for name in in_domain for server in asked for qtype in TYPES
    ]
    child = ChildData()
    for name, qtype, server, answer in pending:
        response: Response | None = await answer
        if response is None:
            child.unresponsive.add(server)
            continue
        if response.is_referral:
            response = (await zone.recursor.resolve(name, qtype)).response
            if not is_conclusive(response):
                continue
        elif not response.aa or not is_conclusive(response):
            child.failed.add(server)
            continue
        child.settled.add((name, qtype))
        child.addresses[name] |= {record.address for record in response.records(qtype, name)}
    return child


async def usable_servers(zone: Zone) -> list[Nameserver]:
    """Return the servers of delegation and zone whose address family is in use."""
    return [server for server in await zone.all_servers() if zone.context.uses_family(ipv6=server.is_ipv6)]


def family_of(address: str) -> str:
    """Return the type of the record of an address."""
    return "AAAA" if ":" in address else "A"


def endpoints(name: str, addresses: Iterable[str]) -> list[dict[str, str]]:
    """Return the items of a server list for addresses of a name."""
    return [{"ns": name, "address": address} for address in sorted(addresses)]
