"""Turns of the event loop: work that outside data can multiply leaves time for other work between its parts.

All runs of a process share one event loop. A zone can have many servers whose answers arrive together, and can make
each answer expensive to process; without a limit per turn, they would block the other runs.
"""

from __future__ import annotations

import asyncio
from time import monotonic, thread_time

MAX_SPENT_US = 20_000  # in one turn; the last part may exceed it
_TURN_S = MAX_SPENT_US / 1_000_000


class LoopTurns:
    """The current turn of the running event loop, shared by all runs: it is over after 20 ms of processor time.

    A turn begins with the first part of work. Work whose duration is known in advance can be recorded before it is
    done, so that a turn does not begin it in its last millisecond.
    """

    __slots__ = ("_cpu_s", "_ends_at", "_spent_us")

    def __init__(self) -> None:
        self._spent_us = 0
        self._ends_at = 0.0  # at the earliest; 0: no work in this turn yet
        self._cpu_s = 0.0  # processor time of the thread when a turn was last over

    def spend(self, spent_us: int) -> None:
        """Record work that was done in this turn or is about to be done, in microseconds."""
        if spent_us and not self._ends_at:
            self._start()
        self._spent_us += spent_us

    def _start(self) -> None:
        self._ends_at = monotonic() + _TURN_S
        asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        self._spent_us = 0
        self._ends_at = 0.0

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

    async def wait(self) -> None:
        """Wait for a turn that has time left."""
        while self.is_over:  # noqa: ASYNC110 - who waits for an event comes a turn too late, when it may be over
            await asyncio.sleep(0)
