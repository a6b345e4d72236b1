"""A query under way: what is sent, who is told of the outcome, and which messages may answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gonemaster_engine.errors import WireError
from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.wire.messages import HEADER_OCTETS, Response, Twins
from gonemaster_engine.net.wire.rrtypes import IN

_TYPE_AND_CLASS_OCTETS = 4
_QUERY_BITS = 0x8000  # QR
_OPCODE_BITS = 0x7800
_NOERROR, _NXDOMAIN = 0, 3
_OPT_START = b"\x00\x00\x29"  # root, and the type
_EXTENDED_RCODE_AT = HEADER_OCTETS + 5

_LARGE_OCTETS = 4096
_OCTETS_PER_MICROSECOND = 3

TIMEOUT = "timeout"
UNREACHABLE = "unreachable"  # the network or the host said so
MALFORMED = "malformed"
CLOSED = "closed"  # the transport was closed before an answer came
GIVEN_UP = "given up"  # the address proved silent while the query was under way


@dataclass(slots=True)
class QueryOutcome:
    """How a query ended."""

    response: Response | None
    error: str = ""  # TIMEOUT, UNREACHABLE, MALFORMED, CLOSED, GIVEN_UP, or empty
    octets: int = 0  # of a message that was read and cannot be used


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait and how often to send."""

    timeout_s: float  # of a TCP exchange as a whole, and the longest wait for one transmission over UDP
    retrans_s: float  # after a transmission over UDP, until the next one or the end
    tries: int  # transmissions over UDP
    early_s: float | None = None  # if given, after the first transmission of several; the last one waits longer for it

    @property
    def udp_wait_s(self) -> float:
        """How long one transmission over UDP is waited for, on the average."""
        return min(self.retrans_s, self.timeout_s)

    def wait_s(self, *, tries_left: int) -> float:
        """How long this transmission is waited for; together they wait as long, whether the second one is early or not.

        RFC 1035 section 4.2.1: when to send again should follow from how fast a server answered before.
        """
        wait_s = self.udp_wait_s
        if self.early_s is None or self.tries < 2 or self.early_s >= wait_s:
            return wait_s
        if tries_left == self.tries - 1:
            return self.early_s
        return wait_s if tries_left else 2 * wait_s - self.early_s


class WaitingGroup(Protocol):
    """What a query over UDP waits in, together with equal ones."""

    def leave(self, query: Query) -> None:
        """Wait no longer for the answer to this query."""

    def read_arrived(self) -> bool:
        """Read what has arrived and was not read yet; False if some of it must wait for another turn of the loop."""


def _told(_outcome: QueryOutcome) -> None:
    """Stand for the callback of a query that has ended."""


class Query:
    """A query on its way. `on_done` is called once with the outcome."""

    __slots__ = (
        "address",
        "any_source",
        "body",
        "connection",
        "done",
        "earlier",
        "mixed_case",
        "on_done",
        "on_let_go",
        "pace",
        "qclass",
        "question_name",
        "question_type",
        "sent_at",
        "source_address",
        "tcp_slots",
        "timing",
        "tries_left",
        "twins",
        "waiting",
    )

    def __init__(
        self,
        address: str,
        body: bytes,
        timing: Timing,
        on_done: Callable[[QueryOutcome], None],
        *,
        question_octets: int,
        qclass: int = IN,
        any_source: bool = False,
        mixed_case: bool = False,
        source_address: str = "",
        tcp_slots: asyncio.Semaphore | None = None,
        pace: RunPace | None = None,
        twins: Twins | None = None,
    ) -> None:
        self.address = address
        self.body = body  # the message without its id
        self.timing = timing
        self.on_done = on_done
        question = body[HEADER_OCTETS - 2 : HEADER_OCTETS - 2 + question_octets]
        self.question_name = question[:-_TYPE_AND_CLASS_OCTETS].lower()
        self.question_type = question[-_TYPE_AND_CLASS_OCTETS:]  # and class
        self.qclass = qclass
        self.any_source = any_source
        self.mixed_case = mixed_case  # the letters of the name may be sent in any case
        self.source_address = source_address
        self.tcp_slots = tcp_slots or asyncio.Semaphore()  # connections at once of those that the query belongs to
        self.pace = pace or RunPace()  # of the run that the query belongs to
        self.twins = twins  # other responses to the run
        self.on_let_go: Callable[[], None] | None = None  # while it counts as a packet without answer
        self.tries_left = timing.tries
        self.sent_at = 0.0
        self.waiting: WaitingGroup | None = None
        self.earlier: QueryOutcome | None = None  # a response that stands if the query, sent once more, gets none
        self.done = False
        self.connection: asyncio.Task[None] | None = None  # over TCP, or waits to be one

    def finish(self, outcome: QueryOutcome) -> None:
        """End the query; a second call does nothing."""
        if self.done:
            return
        self.done = True
        if self.waiting:
            self.stop_waiting()
        if self.on_let_go:
            self.let_go()
        if outcome.response is None and self.earlier:
            outcome = self.earlier
        # the queue of deadlines holds the query for seconds more, and must not hold its run
        report, self.on_done = self.on_done, _told
        report(outcome)

    def give_up(self) -> None:
        """End the query as one whose address proved silent; a connection is closed, and makes room for others."""
        connection = self.connection
        self.finish(QueryOutcome(None, GIVEN_UP))
        if connection:
            connection.cancel()

    def let_go(self) -> None:
        """Count no longer as a packet without answer."""
        if self.on_let_go:
            let_go, self.on_let_go = self.on_let_go, None
            let_go()

    def stop_waiting(self) -> None:
        """Wait no longer over UDP; the query has not ended by that."""
        if self.waiting:
            waiting, self.waiting = self.waiting, None
            waiting.leave(self)


def is_response(wire: bytes) -> bool:
    """Say whether the message is a response to an ordinary query; it has a whole header."""
    flags = wire[2] << 8 | wire[3]
    return bool(flags & _QUERY_BITS) and not flags & _OPCODE_BITS


def repeats_question(wire: bytes, query: Query) -> bool:
    """Say whether the message has the question of the query, in whatever case."""
    end = HEADER_OCTETS + len(query.question_name)
    if wire[end : end + _TYPE_AND_CLASS_OCTETS] != query.question_type:
        return False
    return wire[HEADER_OCTETS:end].lower() == query.question_name and wire[4:6] != b"\0\0"


def is_bare_error(wire: bytes) -> bool:
    """Say whether the message has an error code and neither question nor records: what a server sends that cannot read.

    An empty question is accepted from it alone. It carries no data, so nobody gains by forging it but silence.
    """
    if wire[4:10] != bytes(6):
        return False
    if wire[3] & 0xF not in {_NOERROR, _NXDOMAIN}:
        return True
    has_opt = wire[HEADER_OCTETS : HEADER_OCTETS + len(_OPT_START)] == _OPT_START
    return has_opt and len(wire) > _EXTENDED_RCODE_AT and wire[_EXTENDED_RCODE_AT] != 0  # BADVERS and the like


def reading_us(wire: bytes) -> int:
    """Return about how many microseconds it takes to read a message, and to look at it; of a small one, none."""
    return len(wire) // _OCTETS_PER_MICROSECOND if len(wire) > _LARGE_OCTETS else 0


def read_outcome(wire: bytes, query: Query, *, source: str, over_tcp: bool, rtt_ms: float) -> QueryOutcome:
    """Return the outcome that a message is which answers the query."""
    try:
        response = Response(
            wire, source=source, over_tcp=over_tcp, rtt_ms=rtt_ms, qclass=query.qclass, twins=query.twins
        )
    except WireError:
        return QueryOutcome(None, MALFORMED, len(wire))
    return QueryOutcome(response)
