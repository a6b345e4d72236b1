"""The time to wait for a silent server, and waiting for the first of several futures.

`first_done` is a faster subset of `asyncio.wait`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

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
