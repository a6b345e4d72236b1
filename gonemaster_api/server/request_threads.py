"""The threads that work on complete requests, of which large responses get few."""

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager

from gonemaster_api.web.light_requests import HEAVY_AT_ONCE, LightRequests, heavy, light

_Place = Callable[[LightRequests], AbstractContextManager[None]]

# How long a thread may hold the interpreter while others want it (Python's default is 5 ms). A request gives it up at
# each statement and each message to Redis, and with each of the threads above busy it would wait that long every time.
_SWITCH_INTERVAL_S = 0.001


class RequestThreads:
    """Two pools: one for requests that may have large responses, and one for all others, which never wait for those."""

    def __init__(self, threads: int) -> None:
        self._others = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._large = ThreadPoolExecutor(HEAVY_AT_ONCE, thread_name_prefix="large-response")
        self._light_requests = LightRequests()
        sys.setswitchinterval(_SWITCH_INTERVAL_S)

    def submit(self, handle: Callable[[], None], *, large: bool) -> "Future[None]":
        """Let a thread call `handle`, after those that wait already."""
        pool, place = (self._large, heavy) if large else (self._others, light)
        return pool.submit(self._handle, handle, place)

    def _handle(
        self, handle: Callable[[], None], place: Callable[[LightRequests], AbstractContextManager[None]]
    ) -> None:
        with place(self._light_requests):
            handle()

    def stop(self) -> None:
        """Start nothing more; what has begun is not waited for."""
        for pool in (self._others, self._large):
            pool.shutdown(wait=False, cancel_futures=True)
