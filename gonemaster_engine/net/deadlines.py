"""The timeouts of all queries over UDP of an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from gonemaster_engine.loop_time import LoopTime
from gonemaster_engine.net.query import Query


class Deadlines:
    """Calls back queries whose timeout has expired.

    There is one queue per duration, so each queue is in order of arrival.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, turns: LoopTime, on_due: Callable[[Query, int], None]) -> None:
        self._loop = loop
        self._turns = turns
        self._on_due = on_due
        self._queues: dict[float, deque[tuple[float, Query, int]]] = {}
        self._timers: dict[float, asyncio.TimerHandle] = {}

    def add(self, query: Query, delay_s: float) -> None:
        """Call back the query after a delay, unless it is done by then."""
        queue = self._queues.setdefault(delay_s, deque())
        queue.append((self._loop.time() + delay_s, query, query.tries_left))
        if delay_s not in self._timers:
            self._timers[delay_s] = self._loop.call_later(delay_s, self._sweep, delay_s)

    def _sweep(self, delay_s: float) -> None:
        queue, now = self._queues[delay_s], self._loop.time()
        while queue and (queue[0][1].done or queue[0][0] <= now):
            _, query, tries_left = queue.popleft()
            if not query.done:  # there may be thousands
                self._turns.call(partial(self._on_due, query, tries_left))
        if queue:
            self._timers[delay_s] = self._loop.call_at(queue[0][0], self._sweep, delay_s)
        else:
            del self._timers[delay_s]

    def close(self) -> list[Query]:
        """Stop, and return the queries that have no outcome yet."""
        for timer in self._timers.values():
            timer.cancel()
        pending = [query for queue in self._queues.values() for _, query, _ in queue if not query.done]
        self._timers.clear()
        self._queues.clear()
        return pending
