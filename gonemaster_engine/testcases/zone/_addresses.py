"""One query to each address of the zone's servers, for cases that compare the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gonemaster_engine.net.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire import Response
from gonemaster_engine.zone import Zone


@dataclass(frozen=True, slots=True)
class Vantage:
    """An address with all name servers that have it, and what it answered."""

    servers: tuple[Nameserver, ...]
    response: Response | None

    @property
    def server(self) -> Nameserver:
        """The one that was queried."""
        return self.servers[0]

    @property
    def is_usable(self) -> bool:
        """Whether the answer is authoritative and without error; it may have no records."""
        return self.response is not None and self.response.aa and self.response.rcode == "NOERROR"


async def query_each_address(zone: Zone, qtype: str, servers: Iterable[Nameserver]) -> list[Vantage]:
    """Query each address of the servers once; the addresses stand in the order of the names that have them."""
    by_address: dict[str, list[Nameserver]] = defaultdict(list)
    for server in servers:
        by_address[server.address].append(server)
    answers = await query_all([having[0] for having in by_address.values()], zone.name, qtype)
    return [Vantage(tuple(by_address[server.address]), response) for server, response in answers]


async def soa_serials(zone: Zone, vantages: Iterable[Vantage]) -> dict[Vantage, int]:
    """Return the SOA serial at each of these addresses; those without a usable SOA record are left out."""
    servers = {vantage.server: vantage for vantage in vantages}
    serials = {}
    for server, response in await query_all(servers, zone.name, "SOA"):
        if response and response.aa and (records := response.records("SOA", zone.name)):
            # the five numbers end the rdata (RFC 1035 section 3.3.13)
            serials[servers[server]] = int.from_bytes(records[0].octets[-20:-16])
    return serials


def all_servers(vantages: Iterable[Vantage]) -> list[Nameserver]:
    """Return all name servers of these addresses."""
    return [server for vantage in vantages for server in vantage.servers]
