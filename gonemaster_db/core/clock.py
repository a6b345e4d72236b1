"""The clock of the store: aware UTC times with microseconds."""

from collections.abc import Callable
from datetime import UTC, datetime


def _own() -> datetime:
    return datetime.now(UTC)


_read: Callable[[], datetime] = _own


def utcnow() -> datetime:
    """Return the current time in UTC."""
    return _read()


def follow(clock: Callable[[], datetime]) -> None:
    """Replace the clock of this process; called once, by its main program."""
    global _read  # A process has only one clock.
    _read = clock
