"""Repeats: lost packets must not count as silence.

If an address answers some queries and not others, the others are repeated: later, over some seconds, with increasing
pauses, and while no other query to the address is in flight. Queries without an answer then get a verdict. The server
is silent if losing all transmissions is improbable at the loss that its other answers show; otherwise the query
is undecided, and the run reports that in place of findings. A query is repeated once per kind only: if a server
is silent for one type, further names of this type need no repeats.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from gonemaster_engine.limits import TCP_PACKETS
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.server.admission import QueryAdmission
from gonemaster_engine.net.server.answers import AnswerCache
from gonemaster_engine.net.server.paths import PathHealth
from gonemaster_engine.net.server.pending import Answer, Pending, Repeat, Undecided
from gonemaster_engine.net.server.run_state import RunState
from gonemaster_engine.net.wire.messages import DNSSEC_EDNS

SILENT_LOSS = 1e-3  # above this probability that all transmissions were lost, a query is undecided
_PLANNED_LOSS = 1e-5  # probability that the number of repeats aims at
_LEAST, _MOST = 4, 8  # repeats of a query over UDP
_PAUSE = 1 / 10  # of the time to a retransmission; each further pause is longer by as much
_LEAST_WAIT = 1 / 12  # of the time to a retransmission
_WAIT_RTTS = 2  # a repeat waits for this many times the longest response time of the address
_MAX_PACKETS = 24  # to one address
_MAX_S = 12.0  # time in which repeats to one address are in flight
_SYNS = 3  # transmissions of a connection attempt before its timeout


class Repeats:
    """The unanswered queries of one address that answers others."""

    __slots__ = ("_admission", "_answers", "_health", "_packets", "_queue", "_run", "_silent", "_spent_s", "_timer")

    def __init__(self, run: RunState, health: PathHealth, admission: QueryAdmission, answers: AnswerCache) -> None:
        self._run = run
        self._health = health
        self._admission = admission
        self._answers = answers
        self._queue: deque[Pending] = deque()
        self._silent: set[QueryKey] = set()  # kinds of queries that the server does not answer
        self._packets = 0
        self._spent_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def has_waiting(self) -> bool:
        """Whether queries wait for their repeat."""
        return bool(self._queue)

    def takes(self, pending: Pending, *, sent: int) -> bool:
        """Return whether a query that timed out after `sent` more transmissions is repeated, so has no verdict yet."""
        repeat, now = pending.repeat, self._run.loop.time()
        if pending.answer.done():
            return False
        if repeat is None:
            if not self._health.answers_otherwise(pending.key) or self._health.suspension(pending.key, now):
                return False  # The whole path is silent.
            repeat = Repeat()
            pending = pending._replace(repeat=repeat)
        repeat.sent += _SYNS if pending.key.tcp else sent
        if not self._is_worthwhile(pending, repeat):
            self._judge(pending, repeat)
            return False
        repeat.due_at = now + _PAUSE * self._run.timing.retrans_s * (repeat.repeats + 1)
        if repeat.repeats:  # ahead of other queries of its kind, which wait for its verdict
            self._queue.appendleft(pending)
        else:
            self._queue.append(pending)
        return True

    def _is_worthwhile(self, pending: Pending, repeat: Repeat) -> bool:
        """Return whether one more repeat may change the verdict and is within the limits."""
        key = pending.key
        if self._is_silent(key) or not self._may_change(key, repeat):
            return False
        packets = TCP_PACKETS if key.tcp else 1
        return (
            self._packets + packets <= _MAX_PACKETS
            and self._spent_s < _MAX_S
            and self._run.repeated_packets + packets <= self._run.budget.limits.max_repeated_packets
        )

    def _may_change(self, key: QueryKey, repeat: Repeat) -> bool:
        """Return whether losing all transmissions so far is still probable enough."""
        if key.tcp:
            return not repeat.repeats
        return repeat.repeats < (_MOST if self._health.loss**repeat.sent > _PLANNED_LOSS else _LEAST)

    def _judge(self, pending: Pending, repeat: Repeat) -> None:
        """Record that a query is undecided, or that the server is silent for queries of its kind."""
        key, loss = pending.key, self._health.loss
        if self._is_silent(key):
            return
        if loss**repeat.sent > SILENT_LOSS:
            self._run.undecided[pending.answer] = Undecided(
                pending.name, self._answers.address, key, repeat.sent, round(loss, 3)
            )
        elif repeat.repeats:
            self._silent.add(_kind(key))

    def _is_silent(self, key: QueryKey) -> bool:
        """Return whether the server was silent for this kind of query before, and never answered one."""
        kind = _kind(key)
        return kind in self._silent and not any(
            _has_response(answer) for each, answer in self._answers.by_key.items() if _kind(each) == kind
        )

    def next_due(self, end: Callable[[Pending], bool], resume: Callable[[], None]) -> Pending | None:
        """Return a query to repeat now; `resume` is called when a later one is due.

        `end` ends a query that needs no more packets, and returns whether it did. A repeat is alone in flight.
        """
        if not self._queue:
            return None
        for pending in list(self._queue):
            if end(pending):
                self._queue.remove(pending)
            elif pending.repeat and not self._is_worthwhile(pending, pending.repeat):
                self._queue.remove(pending)
                self._judge(pending, pending.repeat)
                pending.answer.set_result(None)
        if self._admission.under_way:
            return None  # the caller calls again once it has ended
        now, kinds, due_at = self._run.loop.time(), set(), math.inf
        for pending in self._queue:
            kind, repeat = _kind(pending.key), pending.repeat
            if kind in kinds or repeat is None:
                continue
            kinds.add(kind)
            if repeat.due_at <= now:
                self._queue.remove(pending)
                self._begin(pending.key, repeat)
                return pending
            due_at = min(due_at, repeat.due_at)
        if kinds and self._timer is None:
            self._timer = self._run.loop.call_at(due_at, self._on_time, resume)
        return None

    def _on_time(self, resume: Callable[[], None]) -> None:
        self._timer = None
        resume()

    def _begin(self, key: QueryKey, repeat: Repeat) -> None:
        packets = TCP_PACKETS if key.tcp else 1
        repeat.repeats += 1
        self._packets += packets
        self._run.repeated_packets += packets
        timing = self._run.probe_timing
        if key.tcp:
            self._spent_s += timing.timeout_s
        else:
            wait_s = max(_LEAST_WAIT * timing.retrans_s, _WAIT_RTTS * self._health.slowest_ms / 1000)
            wait_s = min(timing.retrans_s, wait_s)
            timing = replace(timing, retrans_s=wait_s)
            self._spent_s += wait_s
        repeat.timing = timing

    def close(self) -> None:
        """Stop: the run has ended."""
        self._queue.clear()
        if self._timer:
            self._timer.cancel()
            self._timer = None


def _kind(key: QueryKey) -> QueryKey:
    """Return what a server may treat differently in a query: neither the name nor DO; spelled names are one kind."""
    edns = None if key.edns == DNSSEC_EDNS else key.edns
    return key._replace(qname="", edns=edns, qname_octets=None if key.qname_octets is None else b"")


def _has_response(answer: Answer) -> bool:
    return answer.done() and not answer.cancelled() and answer.result() is not None
