"""Name servers as a run sees them: a name and one of its addresses."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from operator import attrgetter

from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.server.server import Server
from gonemaster_engine.net.wire.messages import AD, CD, DNSSEC_EDNS, RD, Edns, Response


class Nameserver:
    """A name server: a name and one of its addresses, sorted by both.

    A run has one object per pair, compared by identity.
    """

    __slots__ = ("address", "name", "order", "server", "turns")

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self.server = server
        self.address = server.address
        self.turns = server.turns  # turns of the event loop
        self.order = (name, server.is_ipv6, server.address)

    def __repr__(self) -> str:
        return f"{self.name}/{self.address}"

    def __lt__(self, other: Nameserver) -> bool:
        return self.order < other.order

    @property
    def is_ipv6(self) -> bool:
        """Whether the address is an IPv6 address."""
        return self.server.is_ipv6

    def query(
        self,
        qname: str,
        qtype: str,
        *,
        dnssec: bool = False,
        tcp: bool = False,
        edns: Edns | None = None,
        qclass: str = "IN",
        rd: bool = False,
        cd: bool = False,
        ad: bool = False,
        any_source: bool = False,
        qname_octets: bytes | None = None,
        fallback: bool | None = None,
        probing: bool = False,
        shared: bool = False,
    ) -> Awaitable[Response | None]:
        """Send a query immediately; the response can be awaited later.

        The response is None if there is no usable response: timeout, unreachable host, malformed message, disabled
        address family, or an address that may not be queried. `dnssec` sends DO and a payload size of 1232 octets;
        `qname_octets` gives the name in another spelling; `probing` sends one packet, and a lost answer does not count
        against the server; `shared` uses the hot cache of the process, for queries that are not about the tested zone.
        """
        key = QueryKey(
            qname,
            qtype,
            qclass,
            (RD if rd else 0) | (CD if cd else 0) | (AD if ad else 0),
            DNSSEC_EDNS if dnssec and edns is None else edns,
            tcp,
            self.server.fallback if fallback is None else fallback,
            any_source,
            qname_octets,
            probing,
        )
        return self.server.query(key, self.name, shared=shared)

    def was_queried(self, qname: str, qtype: str) -> bool:
        """Return whether this run has sent that query, with DO over UDP, to the address."""
        return QueryKey(qname, qtype, edns=DNSSEC_EDNS, fallback=self.server.fallback) in self.server.cache.by_key

    def axfr(self, zone_name: str) -> Awaitable[Response | None]:
        """Request a zone transfer; the result is its first message (RFC 5936 section 2.2)."""
        return self.query(zone_name, "AXFR", tcp=True)


nameserver_order = attrgetter("order")  # sorts without calling Python code for each comparison


async def query_all(
    servers: Iterable[Nameserver],
    qname: str,
    qtype: str,
    *,
    dnssec: bool = False,
    tcp: bool = False,
    edns: Edns | None = None,
    rd: bool = False,
    fallback: bool | None = None,
    shared: bool = False,
) -> list[tuple[Nameserver, Response | None]]:
    """Query all servers concurrently; the results are in the order of the servers.

    The zone determines the number of servers and of callers. Therefore both the queries and the work of the caller on
    the results begin in a turn of the event loop that has time left.
    """
    pending = []
    for server in servers:
        if server.turns.is_over:
            await server.turns.wait()
        answer = server.query(qname, qtype, dnssec=dnssec, tcp=tcp, edns=edns, rd=rd, fallback=fallback, shared=shared)
        pending.append((server, answer))
    answered = [(server, await answer) for server, answer in pending]
    if answered and answered[0][0].turns.is_over:
        await answered[0][0].turns.wait()
    return answered
