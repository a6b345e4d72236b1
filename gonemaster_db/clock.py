"""The one source of time of the store: UTC, aware, in microseconds."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Read the clock, with time zone UTC."""
    return datetime.now(UTC)
