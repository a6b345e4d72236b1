"""Complete requests that wait for a thread: for how long, before they are refused as too much."""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

ADMITTED_S = 0.4  # while a request has waited so long, no further one is admitted: it would wait as long
PATIENCE_S = 0.6  # that a request waits for a thread: with the time to work on it, its answer comes within a second
_MOST = 500  # wait
_LOG_EVERY_S = 10.0

Request = TypeVar("Request")


class WaitingRequests(Generic[Request]):
    """The requests that wait, the oldest first. All methods are for the loop of the worker.

    The age of a request counts, and not the number of those before it: how many can be handled in a second changes with
    what they ask for, and with what else the machine does.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._queue: deque[tuple[Request, Future[None], float]] = deque()
        self._refused = 0
        self._logged_at = float("-inf")

    def __len__(self) -> int:
        return len(self._queue)

    def is_too_much(self, since: float) -> bool:
        """Whether a further request, there since then by the clock, would wait too long."""
        self._forget_begun()
        oldest = self._queue[0][2] if self._queue else since
        return len(self._queue) >= _MOST or self._clock() - min(oldest, since) >= ADMITTED_S

    def add(self, request: Request, future: "Future[None]", since: float) -> None:
        """Add a request whose work was submitted to the threads."""
        self._queue.append((request, future, since))

    def take_overdue(self) -> list[tuple[Request, float]]:
        """Return the requests that have waited too long, and for how long; their work will not begin any more."""
        now, overdue = self._clock(), []
        self._forget_begun()
        while self._queue and now - self._queue[0][2] >= PATIENCE_S:
            request, future, since = self._queue.popleft()
            if future.cancel():
                overdue.append((request, now - since))
            self._forget_begun()
        return overdue

    def _forget_begun(self) -> None:
        while self._queue and (self._queue[0][1].running() or self._queue[0][1].done()):
            self._queue.popleft()

    def count_refused(self) -> None:
        """Count a refused request; the log has a line for many."""
        self._refused += 1
        if (now := self._clock()) >= self._logged_at + _LOG_EVERY_S:
            log.warning("overloaded: requests are refused", refused=self._refused, waiting=len(self._queue))
            self._refused, self._logged_at = 0, now
