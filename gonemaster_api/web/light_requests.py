"""Light requests go first: what takes long lets them pass wherever it can pause.

Threads of one process share an interpreter. A light request gives it up at each statement and each message to Redis,
and gets it back after every thread that wants it has had a turn, some thirty times. So work of megabytes (pages, CSV)
calls `give_way` between its parts, and few threads do such work at a time.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

HEAVY_AT_ONCE = 2  # one may wait for the database
_LONGEST_S = 0.1  # that a part waits, so that a stream of light requests does not stop all others


class LightRequests:
    """Counts the light requests that are worked on; `slots` are those of heavy work."""

    def __init__(self) -> None:
        self.slots = threading.Semaphore(HEAVY_AT_ONCE)
        self._changed = threading.Condition()
        self._count = 0

    @property
    def count(self) -> int:
        """How many are worked on."""
        return self._count

    def begin(self) -> None:
        """Count one more."""
        with self._changed:
            self._count += 1

    def end(self) -> None:
        """Count one less."""
        with self._changed:
            self._count -= 1
            if not self._count:
                self._changed.notify_all()

    def let_pass(self) -> None:
        """Wait until none is worked on, for some time at most."""
        if self._count:
            with self._changed:
                self._changed.wait_for(lambda: not self._count, _LONGEST_S)


class _Place(threading.local):
    """What the request of this thread is; requests of no such thread (tests, other servers) are neither."""

    requests: LightRequests | None = None
    is_light = False


_place = _Place()


@contextmanager
def light(requests: LightRequests) -> Iterator[None]:
    """Let the request of this thread be a light one, until it says otherwise."""
    _place.requests, _place.is_light = requests, True
    requests.begin()
    try:
        yield
    finally:
        be_heavy()
        _place.requests = None


@contextmanager
def heavy(requests: LightRequests) -> Iterator[None]:
    """Let the request of this thread give way to light ones, and begin when there is a slot for it."""
    with requests.slots:
        _place.requests = requests
        try:
            yield
        finally:
            _place.requests = None


@contextmanager
def heavy_step() -> Iterator[None]:
    """Wait for a slot, and do a part of a stream that takes long."""
    with _place.requests.slots if _place.requests else nullcontext():
        give_way()
        yield


def be_heavy() -> None:
    """Say that the request of this thread is not light: it is a stream."""
    if _place.is_light and _place.requests:
        _place.is_light = False
        _place.requests.end()


def give_way() -> None:
    """Let light requests pass, unless this is one."""
    if _place.requests and not _place.is_light:
        _place.requests.let_pass()
