"""The pauses between attempts at a statement that the database did not answer."""

from collections.abc import Iterator

_FIRST_S = 0.5
_LONGEST_S = 1.5  # so that work goes on within 2 s of the first answer


def retry_pauses() -> Iterator[float]:
    """Yield the seconds to wait after each attempt, without end."""
    pause_s = _FIRST_S
    while True:
        yield pause_s
        pause_s = min(_LONGEST_S, pause_s * 2)
