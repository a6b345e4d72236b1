"""The threads that work on complete requests, of which large responses get few."""

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

LARGE_AT_ONCE = 2
# How long a thread may hold the interpreter while others want it (Python's default is 5 ms). A request gives it up at
# each statement and each message to Redis, and with each of the threads above busy it would wait that long every time.
_SWITCH_INTERVAL_S = 0.001


class RequestThreads:
    """Two pools: one for requests that may have large responses, and one for all others, which never wait for those."""

    def __init__(self, threads: int) -> None:
        self._others = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._large = ThreadPoolExecutor(LARGE_AT_ONCE, thread_name_prefix="large-response")
        sys.setswitchinterval(_SWITCH_INTERVAL_S)

    def submit(self, handle: Callable[[], None], *, large: bool) -> "Future[None]":
        """Let a thread call `handle`, after those that wait already."""
        return (self._large if large else self._others).submit(handle)

    def stop(self) -> None:
        """Start nothing more; what has begun is not waited for."""
        for pool in (self._others, self._large):
            pool.shutdown(wait=False, cancel_futures=True)
