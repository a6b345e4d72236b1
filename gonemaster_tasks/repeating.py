"""Work that a thread repeats for as long as a process lives: no exception ends it, and its log stays short."""

import logging
import threading
import time
from collections.abc import Callable

from gonemaster_db.core.errors import StoreError
from gonemaster_tasks.errors import TasksError

log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0
_STOP_S = 10.0
_EXPECTED = (TasksError, StoreError)  # a server is away, so no traceback


class FailureLog:
    """Logs the first failure of some work, then one a minute with their number, and that it works again."""

    def __init__(self, work: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._clock = clock
        self.count = 0  # of failures since the work last succeeded
        self._logged_at = 0.0

    def failed(self, error: BaseException) -> None:
        """Note a failure."""
        self.count += 1
        now = self._clock()
        if self.count > 1 and now - self._logged_at < LOG_EVERY_S:
            return
        self._logged_at = now
        about = {"work": self._work, "error": f"{type(error).__name__}: {error}", "failures": self.count}
        log.warning("failed, tried again", extra=about, exc_info=None if isinstance(error, _EXPECTED) else error)

    def succeeded(self) -> None:
        """Note a success."""
        if self.count:
            log.info("works again", extra={"work": self._work, "failures": self.count})
            self.count = 0


class RepeatingThread:
    """Calls `work` in a thread of its own, again and again until it is stopped.

    `pause_s` is the time between two calls, or gives it; `retry_s` is the time after a call that raised, if it differs.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        *,
        pause_s: float | Callable[[], float],
        retry_s: float | None = None,
    ) -> None:
        self._work = work
        self._pause_s = pause_s
        self._retry_s = retry_s
        self._failures = FailureLog(name)
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self, *, at_once: bool = False) -> None:
        """Start the thread; the first call is made after a pause, or at once."""
        if at_once:
            self.wake()
        self._thread.start()

    def wake(self) -> None:
        """End the pause that is under way, or leave out the next one."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread once the call that is under way returns, and wait for it for some seconds."""
        self._stopped.set()
        self._woken.set()
        self._thread.join(timeout=_STOP_S)

    def attempt(self) -> bool:
        """Make one call in the calling thread; returns whether it did not raise."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the work goes on
            self._failures.failed(error)
            return False
        self._failures.succeeded()
        return True

    def _repeat(self) -> None:
        succeeded = True
        while True:
            self._woken.wait(self._next_pause_s(succeeded))
            self._woken.clear()
            if self._stopped.is_set():
                return
            succeeded = self.attempt()

    def _next_pause_s(self, succeeded: bool) -> float:
        if not succeeded and self._retry_s is not None:
            return self._retry_s
        return self._pause_s() if callable(self._pause_s) else self._pause_s
