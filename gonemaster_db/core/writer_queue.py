"""The queue of the threads of a process for writing transactions; first come, first served."""

import threading
from collections import deque
from datetime import timedelta

from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.limits import remaining_s


class WriterQueue:
    """At most `limit` threads are in the block; who waits gets the turn of who leaves, in order of arrival.

    The pool of SQLAlchemy and the lock of SQLite both let a thread that comes at the right moment overtake those that
    sleep: with more slots of a worker than connections, single slots waited for seconds while others were served many
    times (PostgreSQL, 5 connections: the slowest write took 3.7 to 6.0 s, with this queue 0.24 to 0.26 s).
    """

    def __init__(self, limit: int, *, patience: timedelta, refusal: type[StoreError]) -> None:
        """Let `limit` threads in; `refusal` is raised to one whose turn has not come within `patience`, or its time."""
        self._free = limit
        self._refusal = refusal
        self._patience_s = patience.total_seconds()
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()  # one each, acquired until its turn comes

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if not mine.acquire(timeout=remaining_s(self._patience_s)):
            self._give_up(mine)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()  # handed over: `_free` stays, so that nobody takes it in between
            else:
                self._free += 1

    def _give_up(self, mine: threading.Lock) -> None:
        """Leave the queue, unless the turn came at the last moment."""
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                raise self._refusal("other threads of this process are writing")
