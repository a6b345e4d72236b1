"""Turns of the event loop: divisible expensive work leaves time for other work between its parts.

All runs of a process share one event loop. A zone can make each of its answers expensive to process; without a limit
per turn, many answers that arrive together would block the other runs.
"""

from __future__ import annotations

import asyncio

MAX_SPENT_US = 20_000  # in one turn; the last part may exceed it


class LoopTime:
    """The time spent in the current turn of the running event loop, in microseconds."""

    __slots__ = ("_spent_us",)

    def __init__(self) -> None:
        self._spent_us = 0

    def spend(self, spent_us: int) -> None:
        """Record work that was done in this turn or is about to be done."""
        if spent_us and not self._spent_us:
            asyncio.get_running_loop().call_soon(self._begin)
        self._spent_us += spent_us

    def _begin(self) -> None:
        self._spent_us = 0

    @property
    def is_over(self) -> bool:
        """Whether more work should wait for another turn."""
        return self._spent_us >= MAX_SPENT_US

    async def wait(self) -> None:
        """Wait for a turn that has time left."""
        while self.is_over:  # noqa: ASYNC110 - who waits for an event comes a turn too late, when it may be over
            await asyncio.sleep(0)
