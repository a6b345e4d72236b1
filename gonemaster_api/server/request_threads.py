"""The threads that work on complete requests: few for large responses, and as many as are useful for the others."""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from gonemaster_api.web.light_requests import HEAVY_AT_ONCE, LightRequests, heavy, light

# How long a thread may hold the interpreter while others want it (Python's default is 5 ms). A request gives it up at
# each statement and each message to Redis, and with each of the threads above busy it would wait that long every time.
_SWITCH_INTERVAL_S = 0.001
_LEAST = 4  # requests at once keep one interpreter busy, though each waits for the database now and then
_MORE = 3
_FREE_S = 0.0003  # within which the interpreter is got back where few threads want it
_ADAPT_EVERY_S = 0.02


class RequestThreads:
    """Two pools: one for requests that may have large responses, and one for all others, which never wait for those.

    Of the others so many are worked on at once as the interpreter has time for. More would not end earlier, each would
    take longer, and the loop, which needs the interpreter several times for each request, would be late to refuse what
    is too much. While requests wait and the interpreter is free, the threads wait for the database, and more of them
    begin. Streams, which wait for their clients, do not count.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._others = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._large = ThreadPoolExecutor(HEAVY_AT_ONCE, thread_name_prefix="large-response")
        self._light_requests = LightRequests()
        self._lock = threading.Lock()
        self._queue: deque[tuple[Future[None], Callable[[], None]]] = deque()
        self._useful = min(threads, _LEAST)
        self._beginning = 0
        self._adapted_at = 0.0
        sys.setswitchinterval(_SWITCH_INTERVAL_S)

    def submit(self, handle: Callable[[], None], *, large: bool) -> "Future[None]":
        """Let a thread call `handle`, after those that wait already."""
        if large:
            return self._large.submit(self._handle_large, handle)
        future: Future[None] = Future()
        with self._lock:
            self._queue.append((future, handle))
        self._begin()
        return future

    def adapt(self) -> None:
        """Let more requests be worked on at once if the interpreter is free, else fewer; called while some wait."""
        began = time.monotonic()
        if began < self._adapted_at + _ADAPT_EVERY_S:
            return
        time.sleep(0)  # gives up the interpreter, and wants it back
        self._adapted_at = time.monotonic()
        if self._adapted_at - began > _FREE_S:
            self._useful = max(min(self._threads, _LEAST), self._useful - 1)
        elif not self._has_room():
            self._useful = min(self._threads, self._useful + _MORE)
        self._begin()

    def _has_room(self) -> bool:
        return self._beginning + self._light_requests.count < self._useful

    def _begin(self) -> None:
        """Let one more thread work, if that is useful now; else the others take what waits."""
        with self._lock:
            if not self._queue or not self._has_room():
                return
            self._beginning += 1
        self._others.submit(self._work)

    def _work(self) -> None:
        """Work on what waits, until nothing does, or others suffice."""
        with self._lock:
            self._beginning -= 1
        while True:
            with self._lock:
                taken = self._queue.popleft() if self._queue and self._has_room() else None
            if taken is None:
                return
            future, handle = taken
            if future.set_running_or_notify_cancel():
                try:
                    with light(self._light_requests):
                        handle()
                except BaseException as error:  # noqa: BLE001 - for whoever waits for the future, as in an executor
                    future.set_exception(error)
                else:
                    future.set_result(None)

    def _handle_large(self, handle: Callable[[], None]) -> None:
        with heavy(self._light_requests):
            handle()

    def stop(self) -> None:
        """Start nothing more; what has begun is not waited for."""
        with self._lock:
            waiting = list(self._queue)
            self._queue.clear()
        for future, _ in waiting:
            future.cancel()
        for pool in (self._others, self._large):
            pool.shutdown(wait=False, cancel_futures=True)
