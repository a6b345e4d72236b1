"""Blocking calls from an event loop, each in a thread that does not delay the end of the loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T], *, name: str) -> T:
    """Return the result of `work`, or raise its error. Cancellation does not stop the thread.

    The executor of asyncio would keep the loop open until a name server or a mail server times out.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - any error is raised in the waiting coroutine
            failure = error  # Python deletes `error` at the end of the block.
            _notify_loop(loop, lambda: future.set_exception(failure), future)
        else:
            _notify_loop(loop, lambda: future.set_result(result), future)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future


def _notify_loop(loop: asyncio.AbstractEventLoop, notify: Callable[[], None], future: "asyncio.Future[T]") -> None:
    with suppress(RuntimeError):  # The loop is closed: no caller is waiting.
        loop.call_soon_threadsafe(lambda: None if future.done() else notify())
