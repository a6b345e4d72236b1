"""The name servers of a zone file, and all other names, inside this process: no packet leaves it, no port is opened.

A server on a loopback port would need a port 53 on many addresses, or changed addresses, which test cases report; it
would be open to other users of the host. NSD and Knot would answer for themselves instead of for the file, and are not
installed everywhere. The transport of a run is one class, which the class below replaces.

The zone above is the root: it delegates the tested zone. Every other name exists and has an address, because only the
Internet could tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from gonemaster_engine.context import DSInfo
from gonemaster_engine.net.query import CLOSED, UNREACHABLE, Query, QueryOutcome, read_outcome
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.net.wire.messages import dns_name, from_dns_name
from gonemaster_engine.resources import Hints, Resources, RunCaches
from gonemaster_engine.zonefile.answering import Answerer, ZoneServer, respond
from gonemaster_engine.zonefile.contents import ZoneContents

_TTL = 86400
# Anycast addresses of AS112, which serves empty zones (RFC 7535): global, and of no operator in particular.
_PLACEHOLDERS = "192.31.196.{}", "2001:4:112::{:x}"
_PARENT_ADDRESS = _PLACEHOLDERS[0].format(1)
_OTHER_ADDRESSES = tuple(each.format(2) for each in _PLACEHOLDERS)
_FIRST_PLACEHOLDER, _LAST_PLACEHOLDER = 10, 250
_SOA = ". hostmaster. 1 1800 900 604800 86400"
_ADDRESS_TYPES = {dns.rdatatype.A: ".", dns.rdatatype.AAAA: ":"}


def ns_names(contents: ZoneContents) -> list[dns.name.Name]:
    """Return the names of the NS set of the apex, sorted."""
    return sorted(rdata.target for rdata in contents.apex(dns.rdatatype.NS) or ())


def nameserver_addresses(
    contents: ZoneContents, supplied: Mapping[str, Sequence[str]] | None = None
) -> dict[dns.name.Name, list[str]]:
    """Return the NS set with addresses: those of the file, supplied ones, or placeholders for names outside."""
    outside = (name for name in ns_names(contents) if not name.is_subdomain(contents.origin))
    numbers = dict(zip(outside, range(_FIRST_PLACEHOLDER, _LAST_PLACEHOLDER), strict=False))
    found = {}
    for name in ns_names(contents):
        given = list((supplied or {}).get(from_dns_name(name), ()))
        if name in numbers:
            found[name] = given or [each.format(numbers[name]) for each in _PLACEHOLDERS]
        else:
            found[name] = contents.addresses(name)
    return found


class ParentServer:
    """Answers for all names outside of the zone, and delegates the zone."""

    def __init__(
        self, contents: ZoneContents, servers: Mapping[dns.name.Name, Sequence[str]], ds: Iterable[DSInfo]
    ) -> None:
        self._zone = contents.origin
        self._outside = {name: list(found) for name, found in servers.items() if not name.is_subdomain(self._zone)}
        above = ZoneContents(dns.name.root)
        for name, rtype, text in _above(self._zone, servers, ds):
            above.add(name, _TTL, dns.rdata.from_text(dns.rdataclass.IN, rtype, text))
        self._above = ZoneServer(above)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Return the response to a query."""
        response = self._above.answer(query)
        if len(query.question) != 1 or query.opcode() != dns.opcode.QUERY:
            return response
        question = query.question[0]
        name = question.name
        if name.is_subdomain(self._zone) or self._zone.is_subdomain(name) or question.rdclass != dns.rdataclass.IN:
            return response
        response.set_rcode(dns.rcode.NOERROR)
        if mark := _ADDRESS_TYPES.get(question.rdtype):
            addresses = [each for each in self._outside.get(name, _OTHER_ADDRESSES) if mark in each]
            if addresses:
                response.authority.clear()
                response.answer.append(dns.rrset.from_text(name, _TTL, "IN", question.rdtype, *addresses))
        return response


def _above(
    zone: dns.name.Name, servers: Mapping[dns.name.Name, Sequence[str]], ds: Iterable[DSInfo]
) -> Iterator[tuple[dns.name.Name, str, str]]:
    yield dns.name.root, "SOA", _SOA
    yield dns.name.root, "NS", "parent.invalid."
    for name, addresses in servers.items():
        yield zone, "NS", name.to_text()
        for address in addresses if name.is_subdomain(zone) else ():
            yield name, "AAAA" if ":" in address else "A", address
    for each in ds:
        yield zone, "DS", f"{each.keytag} {each.algorithm} {each.digtype} {each.digest}"


class WorldTransport(Transport):
    """Passes the queries of a run to servers of this process. It opens no socket."""

    def __init__(self, servers: Mapping[str, Answerer]) -> None:
        super().__init__()
        self._servers = servers

    def send_udp(self, query: Query) -> None:
        """Answer a query over UDP."""
        self._answer_soon(query, over_tcp=False)

    def send_tcp(self, query: Query) -> None:
        """Answer a query over TCP."""
        self._answer_soon(query, over_tcp=True)

    def _answer_soon(self, query: Query, *, over_tcp: bool) -> None:
        # An immediate answer would come before the caller has stored the query.
        self.loop.call_soon(self.turns_of(query.pace).call, partial(self._answer, query, over_tcp=over_tcp))

    def _answer(self, query: Query, *, over_tcp: bool) -> None:
        if query.done:
            return
        server = self._servers.get(query.address)
        if server is None:
            query.finish(QueryOutcome(None, UNREACHABLE))
            return
        wire = respond(b"\0\0" + query.body, server, over_tcp=over_tcp)
        if wire is None:
            query.finish(QueryOutcome(None, CLOSED))
        else:
            query.finish(read_outcome(wire, query, source=query.address, over_tcp=over_tcp, rtt_ms=0.0))


def open_world(
    contents: ZoneContents, servers: Mapping[dns.name.Name, Sequence[str]], ds: Iterable[DSInfo]
) -> Resources:
    """Return resources for a run in which the zone is delegated to its NS set."""
    zone_server = ZoneServer(contents).answer
    answerers: dict[str, Answerer] = {address: zone_server for found in servers.values() for address in found}
    answerers[_PARENT_ADDRESS] = ParentServer(contents, servers, ds).answer
    hints: Hints = {"parent.invalid": (_PARENT_ADDRESS,)}
    return Resources(
        transport=WorldTransport(answerers),
        caches=RunCaches.for_one_run(),
        root_hints=hints,
        has_ipv6=True,
        root_anchors=(),
        has_anchors=False,
    )


def domain_name(domain: str) -> dns.name.Name:
    """Return the name of a domain as dnspython has it."""
    return dns_name(domain)
