"""The pauses between attempts of a database statement."""

from collections.abc import Iterator

_FIRST_S = 0.5
_MAX_S = 1.5  # Work resumes within 2 s after the database answers again.


def retry_pauses() -> Iterator[float]:
    """Yield the seconds to wait after each attempt; endless."""
    pause_s = _FIRST_S
    while True:
        yield pause_s
        pause_s = min(_MAX_S, pause_s * 2)
