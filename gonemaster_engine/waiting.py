"""How long a server that says nothing is waited for alone, and waiting for the first of some futures.

`first_done` does what `asyncio.wait` does, without what it does for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

PATIENCE_S = 0.5
"""After so long without a response most servers say nothing more: what comes next is begun beside the further wait.

Round trips on the Internet take up to some 0.3 s, and the first query is sent again after seconds only.
"""


async def first_done(futures: Collection[asyncio.Future[Any]], *, until: float | None = None) -> None:
    """Return when one of the futures is done, or at a time of the event loop; none is cancelled."""
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
