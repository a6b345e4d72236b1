"""Turns of the event loop: work that outside data can multiply leaves time for other work between its parts.

All runs of a process share one event loop. A zone can have many servers whose answers arrive together, and can make
each answer expensive to process; without a limit per turn, they would block the other runs.
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

_Part: TypeAlias = "Callable[[], object] | asyncio.Future[bool]"


class LoopTime:
    """The current turn of the running event loop, shared by all runs: it is over after 20 ms of processor time.

    A turn begins with the first part of work; parts that wait come first, in the order of their arrival. Work whose
    duration is known in advance can be recorded before it is done, so that a turn does not begin it at its end.
    """

    __slots__ = ("_cpu_s", "_ends_at", "_spent_us", "_waiting")

    def __init__(self) -> None:
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
        while self._waiting and tasks < _TASKS and not self.is_over:
            part = self._waiting.popleft()
            if not isinstance(part, asyncio.Future):
                part()
            elif not part.done():
                part.set_result(not tasks)
                tasks += 1

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
        """Wait for a turn that has time left.

        Tasks of normal runs come first, and so does the end of a run, which frees what others wait for.
        """
        if not self.is_over:
            return
        loop, may_continue = asyncio.get_running_loop(), False
        while not may_continue:
            ready: asyncio.Future[bool] = loop.create_future()
            (self._waiting.appendleft if is_first else self._waiting.append)(ready)
            # One task continues in each turn. The others check whether those before them have left time.
            may_continue = await ready or not self.is_over
            is_first = True
