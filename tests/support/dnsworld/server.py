"""One name server of a world: an address with its zones, its faults and the log of its queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Container, MutableSequence
from dataclasses import dataclass, field
from typing import Final

import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
from dns.rdatatype import RdataType

from .answering import Authority, Behaviour, format_error, parse_query
from .faults import Exchange, Fault, Reply

MAX_REMEMBERED: Final = 4096


@dataclass(frozen=True)
class LoggedQuery:
    """A query as a server received it; `edns` is the version, None without an OPT record."""

    server: str
    transport: str
    peer: tuple[str, int]
    name: dns.name.Name | None
    type: str
    rdclass: str
    id: int
    flags: dns.flags.Flag
    edns: int | None
    payload: int
    dnssec_ok: bool
    options: tuple[int, ...]
    wire: bytes = field(repr=False)
    time: float = field(compare=False)


def logged(exchange: Exchange) -> LoggedQuery:
    """Log a query; a query that could not be parsed has no name and no type."""
    query, wire = exchange.query, exchange.wire
    question = query.question[0] if query and query.question else None
    has_edns = query is not None and query.edns >= 0
    return LoggedQuery(
        server=exchange.server,
        transport=exchange.transport,
        peer=exchange.peer,
        name=None if question is None else question.name,
        type="" if question is None else dns.rdatatype.to_text(question.rdtype),
        rdclass="" if question is None else dns.rdataclass.to_text(question.rdclass),
        id=int.from_bytes(wire[:2]),
        flags=dns.flags.Flag(int.from_bytes(wire[2:4]) & 0x87F0),
        edns=query.edns if query and has_edns else None,
        payload=int(query.payload) if query and has_edns else 512,
        dnssec_ok=bool(query and query.ednsflags & dns.flags.DO),
        options=tuple(int(option.otype) for option in query.options) if query else (),
        wire=wire,
        time=time.time(),
    )


@dataclass
class Rule:
    """A fault and the queries to which it applies."""

    fault: Fault
    qname: dns.name.Name | None = None
    below: dns.name.Name | None = None
    qtypes: Collection[RdataType] | None = None
    transport: str | None = None
    edns: bool | None = None
    dnssec_ok: bool | None = None
    nth: Container[int] | None = None
    when: Callable[[Exchange], bool] | None = None
    spoils: bool = True
    matches: int = 0

    def meets(self, exchange: Exchange) -> bool:
        """Compare all conditions; `nth` counts, from 1, the queries that match the other conditions."""
        if not self._fits(exchange):
            return False
        self.matches += 1
        return self.nth is None or self.matches in self.nth

    def _fits(self, exchange: Exchange) -> bool:
        if self.transport not in (None, exchange.transport):
            return False
        if self.when is not None and not self.when(exchange):
            return False
        query = exchange.query
        if query is None:
            return not self.needs_a_query
        if self.edns not in (None, query.edns >= 0):
            return False
        if self.dnssec_ok not in (None, bool(query.ednsflags & dns.flags.DO)):
            return False
        return self._fits_question(exchange)

    def _fits_question(self, exchange: Exchange) -> bool:
        question = exchange.question
        if question is None:
            return self.qname is None and self.below is None and self.qtypes is None
        name, rdtype = question
        if self.qname not in (None, name) or (self.qtypes is not None and rdtype not in self.qtypes):
            return False
        return self.below is None or name.is_subdomain(self.below)

    @property
    def needs_a_query(self) -> bool:
        conditions = (self.qname, self.below, self.qtypes, self.edns, self.dnssec_ok)
        return any(condition is not None for condition in conditions)


class Server:
    """A server that answers from its zones, correctly unless faults are set."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.listens = {"udp": True, "tcp": True}
        self.behaviour = Behaviour()
        self.authority = Authority({}, self.behaviour)
        self.response_s = 0.0
        self.log: MutableSequence[LoggedQuery] = []
        self.spoilt = 0  # queries whose answer a fault may have suppressed
        self._rules: list[Rule] = []
        self._remembered: dict[tuple[str, bytes], list[bytes]] = {}

    def set(self, *, udp: bool | None = None, tcp: bool | None = None, **behaviour: object) -> Server:
        """Change the server: its listeners (only before the start) and fields of `Behaviour`."""
        self.listens |= {key: value for key, value in (("udp", udp), ("tcp", tcp)) if value is not None}
        for name, value in behaviour.items():
            if not hasattr(self.behaviour, name):
                raise TypeError(f"a server has no {name}")
            setattr(self.behaviour, name, value)
        self._remembered.clear()
        return self

    def fault(
        self,
        fault: Fault,
        *,
        qname: str | None = None,
        below: str | None = None,
        qtype: str | Collection[str] | None = None,
        transport: str | None = None,
        edns: bool | None = None,
        dnssec_ok: bool | None = None,
        nth: int | Container[int] | None = None,
        when: Callable[[Exchange], bool] | None = None,
        spoils: bool = True,
    ) -> Server:
        """Add a fault for all queries or for those that match; faults apply in the order in which they were added.

        With `spoils=False`, an answer still arrives: a query without one was late, because this host was busy.
        """
        types = [qtype] if isinstance(qtype, str) else qtype
        rule = Rule(
            fault,
            qname=None if qname is None else dns.name.from_text(qname),
            below=None if below is None else dns.name.from_text(below),
            qtypes=None if types is None else {dns.rdatatype.from_text(text) for text in types},
            transport=transport,
            edns=edns,
            dnssec_ok=dnssec_ok,
            nth=(nth,) if isinstance(nth, int) else nth,
            when=when,
            spoils=spoils,
        )
        self._rules.append(rule)
        return self

    def forget(self) -> None:
        """Reset the log and the counters; faults stay."""
        self.log.clear()
        self.spoilt = 0
        for rule in self._rules:
            rule.matches = 0

    def heal(self) -> None:
        """Remove all faults."""
        self._rules.clear()

    def asked(self, name: str | None = None, rdtype: str | None = None) -> list[LoggedQuery]:
        """Return the queries so far, optionally for a name or a type."""
        qname = None if name is None else dns.name.from_text(name)
        return [query for query in self.log if qname in (None, query.name) and rdtype in (None, query.type)]

    def handle(self, wire: bytes, transport: str, peer: tuple[str, int]) -> Reply | None:
        """Log a query and return the reply to send."""
        if len(wire) < 12:
            return None
        exchange = Exchange(wire, parse_query(wire), transport, self.address, peer)
        self.log.append(logged(exchange))
        met = [rule for rule in tuple(self._rules) if rule.meets(exchange)]
        self.spoilt += any(rule.spoils for rule in met)
        reply = self._correct_reply(exchange, remember=not met)
        reply.delay_s = self.response_s
        for rule in met:
            changed = rule.fault(reply)
            if changed is None:
                return None
            reply = changed
        return reply

    def _correct_reply(self, exchange: Exchange, *, remember: bool) -> Reply:
        if exchange.query is None:
            return Reply(exchange, wires=[format_error(exchange.wire)])
        key = (exchange.transport, exchange.wire[2:])
        known = self._remembered.get(key) if remember else None
        if known is not None:
            return Reply(exchange, wires=[exchange.wire[:2] + wire for wire in known])
        reply = Reply(exchange, messages=self.authority.respond(exchange.query, exchange.transport))
        if remember and len(self._remembered) < MAX_REMEMBERED:
            self._remembered[key] = [wire[2:] for wire in reply.octets()]
        return reply
