"""The clock of the store: aware UTC times with microseconds."""

from collections.abc import Callable
from datetime import UTC, datetime


def _local_time() -> datetime:
    return datetime.now(UTC)


_read: Callable[[], datetime] = _local_time


def utcnow() -> datetime:
    """Return the current time in UTC."""
    return _read()


def follow(clock: Callable[[], datetime]) -> None:
    """Replace the clock of this process; called once, by its main program."""
    global _read  # A process has only one clock.
    _read = clock
