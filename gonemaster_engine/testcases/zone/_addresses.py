"""One query to each address of the zone's servers, for cases that compare the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.zone.zone import Zone


class AddressAnswer(NamedTuple):
    """An address with all its name servers, and its answer."""

    servers: tuple[Nameserver, ...]
    response: Response | None

    @property
    def server(self) -> Nameserver:
        """The name server that was queried."""
        return self.servers[0]

    @property
    def is_usable(self) -> bool:
        """Whether the answer is authoritative and without error; it may have no records."""
        return self.response is not None and self.response.aa and self.response.rcode == "NOERROR"


async def query_each_address(zone: Zone, qtype: str, servers: Iterable[Nameserver]) -> list[AddressAnswer]:
    """Query each address of the servers once; the addresses are in the order of the servers."""
    by_address: dict[str, list[Nameserver]] = defaultdict(list)
    for server in servers:
        by_address[server.address].append(server)
    answers = await query_all([having[0] for having in by_address.values()], zone.name, qtype)
    return [AddressAnswer(tuple(by_address[server.address]), response) for server, response in answers]


async def soa_serials(zone: Zone, answered: Iterable[AddressAnswer]) -> dict[AddressAnswer, int]:
    """Return the SOA serial at each of these addresses that has a usable SOA record."""
    servers = {answer.server: answer for answer in answered}
    serials = {}
    for server, response in await query_all(servers, zone.name, "SOA"):
        await zone.wait_for_turn()
        if response and response.aa and (records := response.records("SOA", zone.name)):
            # The rdata ends with the five numbers (RFC 1035 section 3.3.13).
            serials[servers[server]] = int.from_bytes(records[0].octets[-20:-16])
    return serials


def all_servers(answered: Iterable[AddressAnswer]) -> list[Nameserver]:
    """Return all name servers of these addresses."""
    return [server for answer in answered for server in answer.servers]
