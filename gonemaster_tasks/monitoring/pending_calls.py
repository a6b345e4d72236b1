"""Calls with a time limit: a server that does not answer blocks a separate thread instead of the caller.

A stopped process, or a network that drops packets, neither answers nor refuses, and each library has different time
limits.
"""

import contextvars
import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from gonemaster_engine.texts import Text

T = TypeVar("T")
_MAX = 256  # Maximum number of such threads in a process.
_PING_AFTER = 3  # A third of the time limit.
_PING_S = 1.0  # The minimum, so that a busy machine does not look like a silent server.
_places = threading.BoundedSemaphore(_MAX)


class CallTimeout(Exception):
    """The call has not ended yet."""


class PendingCall(Generic[T]):
    """Work started in a thread."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._ended = threading.Event()
        self._value: list[T] = []
        self._error: Exception | None = None
        self.began = math.inf  # On the monotonic clock; on a busy machine the thread starts late.
        if not _places.acquire(blocking=False):
            self._error = CallTimeout(Text("too many calls are already waiting for an answer"))
            self._ended.set()
            return
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run, work), name="patience", daemon=True).start()

    def result(self, until: float) -> T:
        """Return the result of the work, or raise its error.

        Raises:
            CallTimeout: the work has not ended by a time on the monotonic clock.
        """
        span_s = None if until == math.inf else max(0.0, until - time.monotonic())
        if not self._ended.wait(span_s):
            raise CallTimeout(Text("no answer in time"))
        if self._error is not None:
            raise self._error
        return self._value[0]

    def result_while_reachable(self, ping: Callable[[], object], until: float) -> T:
        """Return the result of the work, or raise its error; give up only if the server answers no ping.

        Raises:
            CallTimeout: the work has not ended at `until` (monotonic clock), and its server is unavailable.
        """
        now = time.monotonic()
        try:
            return self.result(min(until, now + (until - now) / _PING_AFTER))
        except CallTimeout:
            answer = PendingCall(ping)
        try:
            return self.result(until)
        except CallTimeout:
            answer.result(max(until, answer.began + _PING_S))
        return self.result(math.inf)

    def _run(self, work: Callable[[], T]) -> None:
        self.began = time.monotonic()
        try:
            self._value.append(work())
        except Exception as error:  # noqa: BLE001 - any error is raised in the caller
            self._error = error
        finally:
            _places.release()
            self._ended.set()
