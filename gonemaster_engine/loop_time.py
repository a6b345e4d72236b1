"""Time slices of the event loop: expensive work that is divisible leaves time for other work between its parts.

All runs of a process share one event loop. A zone can make each of its answers expensive to process; without a limit
per iteration, many answers that arrive together would block the other runs.
"""

from __future__ import annotations

import asyncio

MAX_SPENT_US = 20_000  # in one iteration; the last part may exceed it


class LoopTime:
    """The time spent in the current iteration of the running event loop, in microseconds."""

    __slots__ = ("_spent_us",)

    def __init__(self) -> None:
        self._spent_us = 0

    def spend(self, spent_us: int) -> None:
        """Record work that was done in this iteration or is about to be done."""
        if spent_us and not self._spent_us:
            asyncio.get_running_loop().call_soon(self._begin)
        self._spent_us += spent_us

    def _begin(self) -> None:
        self._spent_us = 0

    @property
    def is_over(self) -> bool:
        """Whether more work should wait for another iteration."""
        return self._spent_us >= MAX_SPENT_US

    async def wait(self) -> None:
        """Wait for an iteration that has time left."""
        while self.is_over:  # noqa: ASYNC110 - a waiter for an event resumes one iteration later, when the time may be spent again
            await asyncio.sleep(0)
