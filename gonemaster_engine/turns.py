"""Turns of the event loop: what is expensive, and can be done in parts, leaves time for everything else between them.

All runs of a process share one loop. A zone can make each of its answers expensive; without a bound on what is done in
one turn, the work of many answers that come together keeps the other runs waiting.
"""

from __future__ import annotations

import asyncio

MAX_SPENT_US = 20_000  # in one turn; the last part may exceed it


class LoopTurns:
    """What the present turn of the running loop was spent on, in microseconds."""

    __slots__ = ("_spent_us",)

    def __init__(self) -> None:
        self._spent_us = 0

    def spend(self, spent_us: int) -> None:
        """Note work that was done in this turn, or is about to be."""
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
