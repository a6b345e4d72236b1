"""The time to wait for a silent server, and waiting for the first of several futures or for a turn of the event loop.

`first_done` is a faster subset of `asyncio.wait`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Protocol

SILENCE_TIMEOUT_S = 0.5
"""Seconds after which a server that has not answered rarely does: the next step starts, and the wait continues.

Round-trip times on the Internet reach about 0.3 s, and the first query is retransmitted only after seconds.
"""


async def first_done(futures: Collection[asyncio.Future[Any]], *, until: float | None = None) -> None:
    """Return when one of the futures is done, or at `until` (event loop time); none is cancelled."""
    if any(future.done() for future in futures):
        return
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = None if until is None else loop.call_at(until, wake)
    for future in futures:
        future.add_done_callback(wake)
    try:
        await waiter
    finally:
        if timer:
            timer.cancel()
        for future in futures:
            future.remove_done_callback(wake)


class Turns(Protocol):
    """The turns of LoopTime, a compiled class: compiled modules have no coroutines."""

    @property
    def is_over(self) -> bool:
        """Whether more work should wait for another turn."""

    def hold(self, part: asyncio.Future[bool], *, is_first: bool) -> None:
        """Let a task wait for a later turn; it gets true if it may continue in any case."""


async def wait_for_turn(turns: Turns, is_first: bool) -> None:
    """Wait for a turn that has time left."""
    if not turns.is_over:
        return
    loop, may_continue = asyncio.get_running_loop(), False
    while not may_continue:
        ready: asyncio.Future[bool] = loop.create_future()
        turns.hold(ready, is_first=is_first)
        # One task continues in each turn. The other tasks check whether the earlier ones have left time.
        may_continue = await ready or not turns.is_over
        is_first = True
