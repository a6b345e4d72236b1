"""The one source of time of the store: UTC, aware, in microseconds."""

from collections.abc import Callable
from datetime import UTC, datetime


def _own() -> datetime:
    return datetime.now(UTC)


_read: Callable[[], datetime] = _own


def utcnow() -> datetime:
    """Read the clock, with time zone UTC."""
    return _read()


def follow(clock: Callable[[], datetime]) -> None:
    """Let this process read another clock than that of its host from now on; called once, by its main program."""
    global _read  # a process has one time
    _read = clock
