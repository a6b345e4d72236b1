"""Turns of the event loop: long work is divided into parts, with time for other work between them.

All runs of a process share one event loop. A zone can have many servers whose answers arrive at the same time, and can
make each answer expensive to process. Without a limit per turn, this work would block the other runs.

A user waits for a normal run. At each step, the run waits for the work of other runs. On a busy machine it also waits
for the processor, because the kernel prefers threads that use little processor time. Therefore batch runs rest while a
normal run is in progress. Without these rests, a normal run next to 16 batch runs of hostile zones ended after the
event loop had used 12 to 27 times the processor time of the normal run alone; with the rests, 1.0 to 2.6 times
(benchmarks/RESULTS.md).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic, thread_time
from typing import TypeAlias

from gonemaster_engine.normal_runs import NormalRuns

MAX_SPENT_US = 20_000  # maximum for one turn, which its last part may exceed
_TURN_S = MAX_SPENT_US / 1_000_000
_TASKS = 8  # maximum number of tasks that continue in one turn
_BATCH_TURN_S = 0.002
_LONG_PART_S = 0.005  # Batch runs rest longer after turns that take longer.
MAX_REST_S = 1.0  # Batch runs continue even if normal runs keep the event loop busy.

_Part: TypeAlias = "Callable[[], object] | asyncio.Future[bool]"


class LoopTime:
    """The current turn of the event loop, which all runs share. A turn is over after 20 ms of processor time.

    A turn begins with the first part of work. Waiting parts are done first, in the order of their arrival. Work whose
    duration is known in advance can be recorded before it is done, so that it does not begin at the end of a turn.
    """

    __slots__ = ("_cpu_s", "_waiting", "ends_at", "normal_runs", "spent_us")

    def __init__(self, normal_runs: NormalRuns | None = None) -> None:
        self.normal_runs = normal_runs or NormalRuns()
        self.spent_us = 0
        self.ends_at = 0.0  # earliest end of this turn; 0: it has no work yet
        self._cpu_s = 0.0  # processor time of the thread at the end of the last turn
        self._waiting: deque[_Part] = deque()

    def spend(self, spent_us: int) -> None:
        """Record work that was done in this turn or is about to be done, in microseconds."""
        if spent_us and not self.ends_at:
            self._start()
        self.spent_us += spent_us

    def _start(self) -> None:
        self.ends_at = monotonic() + _TURN_S
        asyncio.get_running_loop().call_soon(self._start_next)

    def _start_next(self) -> None:
        self.spent_us = 0
        self.ends_at = 0.0
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
        if not self.ends_at:
            self._start()
            return False
        if self.spent_us >= MAX_SPENT_US:
            return True
        now = monotonic()
        if now < self.ends_at:
            return False
        # On a busy machine, the thread has had less processor time than the turn lasted. Reading the processor time in
        # each turn would be too expensive.
        cpu_s = thread_time()
        left_s = self._cpu_s + _TURN_S - cpu_s
        if left_s <= 0:
            self._cpu_s, self.spent_us = cpu_s, MAX_SPENT_US
            return True
        self.ends_at = now + left_s
        return False

    def call(self, part: Callable[[], object]) -> None:
        """Do a part of work now, or in a later turn if this turn is over or other parts are waiting."""
        if self._waiting or self.is_over:
            self._waiting.append(part)
        else:
            part()

    async def wait(self, *, is_first: bool = False) -> None:
        """Wait for a turn that has time left. With `is_first`, wait before others: an ending run frees resources."""
        if not self.is_over:
            return
        loop, may_continue = asyncio.get_running_loop(), False
        while not may_continue:
            ready: asyncio.Future[bool] = loop.create_future()
            (self._waiting.appendleft if is_first else self._waiting.append)(ready)
            # One task continues in each turn. The other tasks check whether the earlier ones have left time.
            may_continue = await ready or not self.is_over
            is_first = True


class BatchTime(LoopTime):
    """The turns of batch runs. Each is a part of a turn of the event loop, and is shorter during normal runs.

    With turns of 2 ms, batch runs use about two fifths of the time of the event loop; with turns of 30 ms, which few
    zones need, an eighth. While they rest, they send no packets and their tasks do not continue. Their responses are
    still read, so that the response times in their results are correct.
    """

    __slots__ = ("_checked_until", "_loop_time", "_turn_s")

    def __init__(self, loop_time: LoopTime) -> None:
        super().__init__(loop_time.normal_runs)
        self._loop_time = loop_time
        self._turn_s = 0.0  # duration of the last turn; 0: it is not over
        self._checked_until = 0.0  # no turn was over, and no normal run in progress

    def spend(self, spent_us: int) -> None:
        """Record work that was done in this turn or is about to be done, in microseconds."""
        self._loop_time.spend(spent_us)

    def _start(self) -> None:
        self._turn_s = 0.0
        self._cpu_s = thread_time()
        self.ends_at = monotonic() + _BATCH_TURN_S
        asyncio.get_running_loop().call_soon(self._start_next)

    def _start_next(self) -> None:
        if (rest_s := self._rest_s()) > 0:
            asyncio.get_running_loop().call_later(rest_s, self._start_next)
            return
        super()._start_next()
        if self._waiting and not self.ends_at:
            self._start()

    def _rest_s(self) -> float:
        """Return how long batch runs must still rest."""
        if not self.normal_runs.in_progress:
            return 0.0
        now, begun_at = monotonic(), self.ends_at - _BATCH_TURN_S
        self._turn_s = self._turn_s or now - begun_at
        # On a busy machine, a turn lasts longer than its processor time: the rest must be long compared with both.
        used_s = max(self._turn_s, thread_time() - self._cpu_s)
        return begun_at + min(used_s * (2 + used_s / _LONG_PART_S), self._turn_s + MAX_REST_S) - now

    @property
    def is_over(self) -> bool:
        """Whether more work should wait for another turn."""
        now, shared = monotonic(), self._loop_time
        if now < self._checked_until and shared.spent_us < MAX_SPENT_US:
            return False  # A query checks this about four times, and a normal run may wait 2 ms.
        is_over, in_progress = shared.is_over, self.normal_runs.in_progress
        if self.ends_at:
            return is_over or (now >= self.ends_at and in_progress)
        if is_over or in_progress:
            self._start()
        else:
            self._checked_until = min(now + _BATCH_TURN_S, shared.ends_at)
        return is_over
