"""Queries that wait at one address. The runs take turns, regardless of how many queries each of them has."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.query import Query

_URGENT_TURNS = 4  # the last of these turns is for the other runs


class WaitingQuery(NamedTuple):
    """A waiting query; `send` returns whether a packet has left."""

    query: Query
    send: Callable[[Query], bool]
    since: float


_Lane = OrderedDict[RunPace, deque[WaitingQuery]]


class FairQueue:
    """The queries that wait at one address."""

    __slots__ = ("_lanes", "_length", "_turn")

    def __init__(self) -> None:
        self._lanes: tuple[_Lane, _Lane] = (OrderedDict(), OrderedDict())  # urgent runs, other runs
        self._length = 0
        self._turn = 0

    def __len__(self) -> int:
        return self._length

    def add(self, waiting: WaitingQuery) -> None:
        """Add a query to the queue."""
        run = waiting.query.pace
        self._lanes[not run.is_urgent].setdefault(run, deque()).append(waiting)
        run.queues.add(self)
        self._length += 1

    def take(self) -> WaitingQuery:
        """Remove and return the next query; the queue must not be empty."""
        urgent, others = self._lanes
        self._turn = (self._turn + 1) % _URGENT_TURNS
        lane = others if not urgent or (others and not self._turn) else urgent
        run, queries = next(iter(lane.items()))
        waiting = queries.popleft()
        self._length -= 1
        lane.move_to_end(run)
        if not queries:
            self.leave(run)
        return waiting

    def leave(self, run: RunPace) -> None:
        """Remove the queries of a run."""
        self._length -= len(self._lanes[not run.is_urgent].pop(run, ()))
        run.queues.discard(self)

    def waiting(self) -> Iterator[WaitingQuery]:
        """Return all waiting queries."""
        return (waiting for lane in self._lanes for queries in lane.values() for waiting in queries)
