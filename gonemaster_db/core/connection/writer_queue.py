"""A first-come, first-served queue for the writing threads of a process."""

import threading
from collections import deque
from datetime import timedelta

from gonemaster_db.core.connection.limits import remaining_s
from gonemaster_db.core.errors import StoreError


class WriterQueue:
    """A lock that up to `limit` threads hold at the same time, granted in order of arrival.

    SQLAlchemy's pool and SQLite's lock both let a newly arriving thread overtake waiting threads. If a worker has more
    slots than connections, some slots would wait for seconds while others are served many times.
    """

    def __init__(self, limit: int, *, timeout: timedelta, refusal: type[StoreError]) -> None:
        """Admit `limit` threads; a thread that waits longer than `timeout` or its own deadline raises `refusal`."""
        self._free = limit
        self._refusal = refusal
        self._timeout_s = timeout.total_seconds()
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()  # one lock for each waiting thread, held until its turn

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            lock = threading.Lock()
            lock.acquire()
            self._waiting.append(lock)
        if not lock.acquire(timeout=remaining_s(self._timeout_s)):
            self._give_up(lock)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                # The slot is handed over, so `_free` stays unchanged and no other thread can take it.
                self._waiting.popleft().release()
            else:
                self._free += 1

    def _give_up(self, lock: threading.Lock) -> None:
        """Leave the queue, unless this thread got its turn at the last moment."""
        with self._lock:
            if lock in self._waiting:
                self._waiting.remove(lock)
                raise self._refusal("timed out waiting for other writing threads of this process")
