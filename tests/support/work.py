"""Work is counted instead of timed, so that a busy machine changes nothing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any


class TooMuchWork(AssertionError):
    """A block ran more lines of Python than allowed."""


@contextlib.contextmanager
def at_most_lines(limit: int) -> Iterator[None]:
    """Limit the number of Python lines that the block runs in this thread; one more line ends the block.

    Lines of called functions count, the lines of the block itself do not.

    Raises:
        TooMuchWork: at the first line beyond the limit.
    """
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        if event == "line":
            count += 1
            if count > limit:
                raise TooMuchWork(f"more than {limit} lines")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
    if count > limit:  # the exception may have been caught
        raise TooMuchWork(f"{count} lines where {limit} are allowed")
