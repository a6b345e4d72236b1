"""A query in progress: its message, its callback, and the messages that may answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gonemaster_engine.errors import WireError
from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.wire.messages import HEADER_OCTETS, Response, ResponsePool
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
UNREACHABLE = "unreachable"  # reported by the network or the host
MALFORMED = "malformed"
CLOSED = "closed"  # the transport was closed before an answer came
GIVEN_UP = "given up"  # the address turned out to be silent while the query was in progress


@dataclass
class QueryOutcome:
    """The outcome of a query."""

    response: Response | None
    error: str = ""  # TIMEOUT, UNREACHABLE, MALFORMED, CLOSED, GIVEN_UP, or empty
    octets: int = 0  # size of a message that was received and could not be used


@dataclass(frozen=True)
class Timing:
    """Timeouts and number of transmissions."""

    timeout_s: float  # timeout of a whole TCP exchange, and the longest wait for one transmission over UDP
    retrans_s: float  # time from one transmission over UDP to the next or to the end
    tries: int  # transmissions over UDP
    early_s: float | None = (
        None  # if set, the shorter wait after the first of several transmissions; the last wait grows by the difference
    )

    @property
    def udp_wait_s(self) -> float:
        """The average wait for one transmission over UDP, in seconds."""
        return min(self.retrans_s, self.timeout_s)

    def wait_s(self, *, tries_left: int) -> float:
        """Return how long to wait for this transmission, in seconds; an early retransmission does not change the total.

        RFC 1035 section 4.2.1: the retransmission interval should follow from earlier response times of the server.
        """
        wait_s = self.udp_wait_s
        if self.early_s is None or self.tries < 2 or self.early_s >= wait_s:
            return wait_s
        if tries_left == self.tries - 1:
            return self.early_s
        return wait_s if tries_left else 2 * wait_s - self.early_s


class WaitingGroup(Protocol):
    """A group of equal queries that wait over UDP."""

    def leave(self, query: Query) -> None:
        """Stop waiting for the answer to this query."""

    def read_arrived(self) -> bool:
        """Read the arrived messages; return False if some must wait for another iteration of the event loop."""


def _ignore_outcome(_outcome: QueryOutcome) -> None:
    """Ignore the outcome: the callback of a query that has ended."""


class Query:
    """A query in progress. `on_done` is called once with the outcome."""

    __slots__ = (
        "address",
        "any_source",
        "body",
        "connection",
        "done",
        "earlier",
        "mixed_case",
        "on_done",
        "on_release",
        "pace",
        "qclass",
        "question_name",
        "question_type",
        "response_pool",
        "sent_at",
        "sent_segments",
        "source_address",
        "tcp_slots",
        "timing",
        "tries_left",
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
        response_pool: ResponsePool | None = None,
    ) -> None:
        self.address = address
        self.body = body  # the message without its ID
        self.timing = timing
        self.on_done = on_done
        question = body[HEADER_OCTETS - 2 : HEADER_OCTETS - 2 + question_octets]
        self.question_name = question[:-_TYPE_AND_CLASS_OCTETS].lower()
        self.question_type = question[-_TYPE_AND_CLASS_OCTETS:]  # question type and class
        self.qclass = qclass
        self.any_source = any_source
        self.mixed_case = mixed_case  # the letters of the name may be sent in any case
        self.source_address = source_address
        self.tcp_slots = tcp_slots or asyncio.Semaphore()  # limit of concurrent connections of the run
        self.pace = pace or RunPace()  # pacing state of the run
        self.response_pool = response_pool  # other responses of the run
        self.on_release: Callable[[], None] | None = None  # set while it counts as an unanswered packet
        self.tries_left = timing.tries
        self.sent_at = 0.0
        self.sent_segments: Callable[[], int] = int  # returns the number of TCP segments sent so far
        self.waiting: WaitingGroup | None = None
        self.earlier: QueryOutcome | None = None  # a response that is used if the retransmitted query is not answered
        self.done = False
        self.connection: asyncio.Task[None] | None = None  # TCP connection, open or waiting

    def finish(self, outcome: QueryOutcome) -> None:
        """Finish the query; a second call does nothing."""
        if self.done:
            return
        self.done = True
        if self.waiting:
            self.stop_waiting()
        if self.on_release:
            self.release()
        if outcome.response is None and self.earlier:
            outcome = self.earlier
        # The queue of deadlines holds the query for some more seconds, but must not keep its run in memory.
        report, self.on_done = self.on_done, _ignore_outcome
        report(outcome)

    def give_up(self) -> None:
        """Finish the query because its address is silent; its connection is closed and frees its slot."""
        connection = self.connection
        self.finish(QueryOutcome(None, GIVEN_UP))
        if connection:
            connection.cancel()

    def abandon(self) -> None:
        """End without reporting an outcome, because the run has ended; its connection is closed."""
        connection, self.on_done = self.connection, _ignore_outcome
        self.finish(QueryOutcome(None, CLOSED))
        if connection and self.sent_at:  # a query that waits for a connection ends when its turn comes
            connection.cancel()

    def release(self) -> None:
        """Stop counting as an unanswered packet."""
        if self.on_release:
            release, self.on_release = self.on_release, None
            release()

    def stop_waiting(self) -> None:
        """Stop waiting over UDP; this does not finish the query."""
        if self.waiting:
            waiting, self.waiting = self.waiting, None
            waiting.leave(self)


def is_response(wire: bytes) -> bool:
    """Return whether the message, which has a whole header, is a response with opcode QUERY."""
    flags = wire[2] << 8 | wire[3]
    return bool(flags & _QUERY_BITS) and not flags & _OPCODE_BITS


def repeats_question(wire: bytes, query: Query) -> bool:
    """Return whether the message repeats the question of the query, ignoring case."""
    end = HEADER_OCTETS + len(query.question_name)
    if wire[end : end + _TYPE_AND_CLASS_OCTETS] != query.question_type:
        return False
    return wire[HEADER_OCTETS:end].lower() == query.question_name and wire[4:6] != b"\0\0"


def is_bare_error(wire: bytes) -> bool:
    """Return whether the message has an error code, but no question and no records.

    Servers that cannot parse a query send such a message, and only such a message may have an empty question. It
    carries no data, so forging it only suppresses an answer.
    """
    if wire[4:10] != bytes(6):
        return False
    if wire[3] & 0xF not in {_NOERROR, _NXDOMAIN}:
        return True
    has_opt = wire[HEADER_OCTETS : HEADER_OCTETS + len(_OPT_START)] == _OPT_START
    return has_opt and len(wire) > _EXTENDED_RCODE_AT and wire[_EXTENDED_RCODE_AT] != 0  # BADVERS etc.


def reading_us(wire: bytes) -> int:
    """Return the estimated time to parse and check a message, in microseconds; zero for a small one."""
    return len(wire) // _OCTETS_PER_MICROSECOND if len(wire) > _LARGE_OCTETS else 0


def read_outcome(wire: bytes, query: Query, *, source: str, over_tcp: bool, rtt_ms: float) -> QueryOutcome:
    """Return the outcome for a message that answers the query."""
    try:
        response = Response(
            wire,
            source=source,
            over_tcp=over_tcp,
            rtt_ms=rtt_ms,
            qclass=query.qclass,
            response_pool=query.response_pool,
        )
    except WireError:
        return QueryOutcome(None, MALFORMED, len(wire))
    return QueryOutcome(response)
