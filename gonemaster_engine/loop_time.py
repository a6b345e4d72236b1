"""Turns of the event loop: work that outside data can multiply leaves time for other work between its parts.

All runs of a process share one event loop. A zone can have many servers whose answers arrive together, and can make
each answer expensive to process; without a limit per turn, they would block the other runs.

A person waits for a normal run, at each of its steps for the work that other runs do before it, and on a busy machine
for the processor, which the kernel gives first to threads that use it little. So batch runs rest while a normal run is
in progress: next to 16 batch runs of hostile zones, the loop used 12 to 27 times the processor time of a normal run
until it ended, and with the rests 1.0 to 2.6 times (benchmarks/RESULTS.md).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic, thread_time
from typing import TypeAlias

MAX_SPENT_US = 20_000  # in one turn; the last part may exceed it
_TURN_S = MAX_SPENT_US / 1_000_000
_TASKS = 8  # maximum number of tasks that continue in one turn
_BATCH_TURN_S = 0.002
_LONG_PART_S = 0.005  # of processor time; work that cannot be divided into such parts rests longer
_MAX_REST_S = 1.0  # Normal runs that keep the loop busy do not stop batch runs.

_Part: TypeAlias = "Callable[[], object] | asyncio.Future[bool]"


class LoopTime:
    """The current turn of the running event loop, shared by all runs: it is over after 20 ms of processor time.

    A turn begins with the first part of work; parts that wait come first, in the order of their arrival. Work whose
    duration is known in advance can be recorded before it is done, so that a turn does not begin it at its end.
    """

    __slots__ = ("_cpu_s", "_ends_at", "_spent_us", "_waiting", "normal_runs")

    def __init__(self) -> None:
        self.normal_runs = 0  # in progress
        self._spent_us = 0
        self._ends_at = 0.0  # at the earliest; 0: no work in this turn yet
        self._cpu_s = 0.0  # processor time of the thread when a turn was last over
        self._waiting: deque[_Part] = deque()

    def spend(self, spent_us: int) -> None:
        """Record work that was done in this turn or is about to be done, in microseconds."""
        if spent_us and not self._ends_at:
            self._start()
        self._spent_us += spent_us

    def _start(self) -> None:
        self._ends_at = monotonic() + _TURN_S
        asyncio.get_running_loop().call_soon(self._start_next)

    def _start_next(self) -> None:
        self._spent_us = 0
        self._ends_at = 0.0
        tasks = 0
        while self._waiting and tasks < _TASKS:
            part = self._waiting.popleft()
            if not isinstance(part, asyncio.Future):
                part()
            elif not part.done():
                part.set_result(not tasks)
                tasks += 1
            if self.is_over:
                break

    @property
    def is_over(self) -> bool:
        """Whether more work should wait for another turn."""
        if not self._ends_at:
            self._start()
            return False
        if self._spent_us >= MAX_SPENT_US:
            return True
        now = monotonic()
        if now < self._ends_at:
            return False
        # On a busy machine, the thread has had less processor time. Reading it is too expensive for each turn.
        cpu_s = thread_time()
        left_s = self._cpu_s + _TURN_S - cpu_s
        if left_s <= 0:
            self._cpu_s, self._spent_us = cpu_s, MAX_SPENT_US
            return True
        self._ends_at = now + left_s
        return False

    def call(self, part: Callable[[], object]) -> None:
        """Do a part of work now, or in a later turn if this one is over or other parts wait."""
        if self._waiting or self.is_over:
            self._waiting.append(part)
        else:
            part()

    async def wait(self, *, is_first: bool = False) -> None:
        """Wait for a turn that has time left; the end of a run comes first, because it frees what others wait for."""
        if not self.is_over:
            return
        loop, may_continue = asyncio.get_running_loop(), False
        while not may_continue:
            ready: asyncio.Future[bool] = loop.create_future()
            (self._waiting.appendleft if is_first else self._waiting.append)(ready)
            # One task continues in each turn. The others check whether those before them have left time.
            may_continue = await ready or not self.is_over
            is_first = True


class BatchTime(LoopTime):
    """The turns of batch runs: each is a part of a turn of the loop, and a shorter one during normal runs.

    After a turn of 2 ms they may use about two fifths of the time of the loop, and after one of 30 ms, which few zones
    need, an eighth. While they rest, their packets are not sent and their tasks do not continue; responses are read, so
    that the response times in their results remain right.
    """

    __slots__ = ("_loop_time",)

    def __init__(self, loop_time: LoopTime) -> None:
        super().__init__()
        self._loop_time = loop_time

    def spend(self, spent_us: int) -> None:
        """Record work that was done in this turn or is about to be done, in microseconds."""
        self._loop_time.spend(spent_us)

    def _start(self) -> None:
        self._cpu_s = thread_time()
        self._ends_at = monotonic() + _BATCH_TURN_S
        asyncio.get_running_loop().call_soon(self._start_next)

    def _start_next(self) -> None:
        if (rest_s := self._rest_s()) > 0:
            asyncio.get_running_loop().call_later(rest_s, self._start_next)
            return
        super()._start_next()
        if self._waiting and not self._ends_at:
            self._start()

    def _rest_s(self) -> float:
        """Return how long batch runs must still rest."""
        if not self._loop_time.normal_runs:
            return 0.0
        cpu_s = thread_time() - self._cpu_s
        begun_at = self._ends_at - _BATCH_TURN_S
        return begun_at + min(cpu_s * (2 + cpu_s / _LONG_PART_S), _MAX_REST_S) - monotonic()

    @property
    def is_over(self) -> bool:
        """Whether more work should wait for another turn."""
        is_over = self._loop_time.is_over
        if not self._ends_at:
            if is_over or self._loop_time.normal_runs:
                self._start()
            return is_over
        return is_over or (self._loop_time.normal_runs > 0 and monotonic() >= self._ends_at)
