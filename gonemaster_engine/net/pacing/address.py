"""The packets that one process may send to one address now, and the queries that wait for that address."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.pacing.limits import LIFE_S, LeaseRequest, Share
from gonemaster_engine.net.query import Query

LONG_S = 0.1  # shorter waits are for a lease, not for the limit
_URGENT_TURNS = 4  # the last of these turns is for the other runs


class WaitingQuery(NamedTuple):
    """A waiting query; `send` returns whether a packet has left."""

    query: Query
    send: Callable[[Query], bool]
    since: float

    @property
    def is_over(self) -> bool:
        """Whether the query need not be sent any more."""
        return self.query.done or self.query.pace.is_over


class FairQueue:
    """The queries that wait at one address. The runs take turns, regardless of how many queries each of them has."""

    __slots__ = ("_lanes", "_turn")

    def __init__(self) -> None:
        # Urgent runs, other runs: each with its queries, in the order of the next turns.
        self._lanes: tuple[dict[RunPace, deque[WaitingQuery]], ...] = ({}, {})
        self._turn = 0

    def __bool__(self) -> bool:
        urgent, others = self._lanes
        return bool(urgent or others)

    def __iter__(self) -> Iterator[WaitingQuery]:
        """Return the queries that wait to be sent."""
        return (each for lane in self._lanes for queries in lane.values() for each in queries if not each.is_over)

    def add(self, waiting: WaitingQuery) -> None:
        """Add a query to the queue."""
        run = waiting.query.pace
        self._lanes[not run.is_urgent].setdefault(run, deque()).append(waiting)

    def take(self) -> WaitingQuery:
        """Remove and return the next query; the queue must not be empty."""
        urgent, others = self._lanes
        self._turn = (self._turn + 1) % _URGENT_TURNS
        lane = others if not urgent or (others and not self._turn) else urgent
        run = next(iter(lane))
        queries = lane.pop(run)
        if len(queries) > 1:
            lane[run] = queries  # behind the other runs
        return queries.popleft()


@dataclass(eq=False)
class PacedAddress:
    """One address: its queue, the unanswered packets, the current lease, and what was sent of the share."""

    name: str
    used_at: float
    queue: FairQueue = field(default_factory=FairQueue)
    unanswered: int = 0  # the packets of the share come first; only the rest is reported for leases
    leased: int = 0  # packets of the lease that were not sent yet
    starts_at: float = 0.0  # start of the lease; without a lease, time of the next request
    is_requested: bool = False
    timer: asyncio.TimerHandle | None = None
    _sent: deque[float] = field(default_factory=deque)  # times of the share's packets within its window

    def take(self, share: Share, now: float) -> bool | None:
        """Use one packet of the lease (True) or of the share (False); return None if neither has one.

        A lease that expires while queries wait for it has one packet left, so a process with a late event loop sends.
        """
        if self.leased and now >= self.starts_at:
            self.leased = self.leased - 1 if now < self.starts_at + LIFE_S else 0
            self.unanswered += 1
            return True
        sent = self._sent
        while sent and sent[0] <= now - share.window_s:
            sent.popleft()
        if len(sent) >= share.packets or self.unanswered >= share.unanswered:
            return None
        sent.append(now)
        self.unanswered += 1
        return False

    def give_back(self, *, is_leased: bool) -> None:
        """Return a packet that was not sent."""
        self.unanswered -= 1
        if is_leased:
            self.leased += 1
        elif self._sent:
            self._sent.pop()

    def next_at(self, share: Share, now: float) -> float | None:
        """Return the time at which the next packet is allowed, or None if that depends on a lease or an answer."""
        times = (self.starts_at, self._sent[0] + share.window_s if self._sent else now)
        return min((at for at in times if at > now), default=None)

    def request(self, share: Share, now: float) -> LeaseRequest:
        """Return a request for the packets that wait, unless a lease has not started yet."""
        waiting = list(self.queue) if now >= self.starts_at else []
        is_limited = any(now - each.since > LONG_S for each in waiting)
        return LeaseRequest(self.name, len(waiting), int(max(0, self.unanswered - share.unanswered)), is_limited)
