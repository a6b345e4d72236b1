"""Queries that wait for their turn at one address: runs take turns, whatever the number of queries that each has."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.query import Query

_URGENT_TURNS = 4  # of which the last is for the other runs


class Waiting(NamedTuple):
    """A query that waits; `send` returns whether a packet has left."""

    query: Query
    send: Callable[[Query], bool]
    since: float


_Lane = OrderedDict[RunPace, deque[Waiting]]


class Line:
    """The queries that wait at one address."""

    __slots__ = ("_lanes", "_length", "_turn")

    def __init__(self) -> None:
        self._lanes: tuple[_Lane, _Lane] = (OrderedDict(), OrderedDict())  # of urgent runs, of the others
        self._length = 0
        self._turn = 0

    def __len__(self) -> int:
        return self._length

    def add(self, waiting: Waiting, run: RunPace) -> None:
        """Let a query of a run wait."""
        lane = self._lanes[not run.is_urgent]
        queries = lane.get(run)
        if queries is None:
            queries = lane[run] = deque()
            run.lines.add(self)
        queries.append(waiting)
        self._length += 1

    def take(self) -> Waiting:
        """Return the query whose turn it is; there must be one."""
        urgent, others = self._lanes
        self._turn = (self._turn + 1) % _URGENT_TURNS
        lane = others if not urgent or (others and not self._turn) else urgent
        run, queries = next(iter(lane.items()))
        waiting = queries.popleft()
        self._length -= 1
        if queries:
            lane.move_to_end(run)
        else:
            self._remove(lane, run)
        return waiting

    def leave(self, run: RunPace) -> None:
        """Forget the queries of a run."""
        lane = self._lanes[not run.is_urgent]
        self._length -= len(lane.get(run, ()))
        self._remove(lane, run)

    def _remove(self, lane: _Lane, run: RunPace) -> None:
        lane.pop(run, None)
        run.lines.discard(self)

    def since(self) -> float:
        """Return since when the query waits that waits longest; there must be one."""
        return min(queries[0].since for queries in self._all())

    def drain(self) -> list[Query]:
        """Forget all queries, and return them."""
        found = [waiting.query for queries in self._all() for waiting in queries]
        for lane in self._lanes:
            for run in list(lane):
                self._remove(lane, run)
        self._length = 0
        return found

    def _all(self) -> Iterator[deque[Waiting]]:
        for lane in self._lanes:
            yield from lane.values()
