"""Work counted instead of timed: a busy machine changes nothing about it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any


class TooMuchWork(AssertionError):
    """More lines of Python were run than the block may run."""


@contextlib.contextmanager
def at_most_lines(limit: int) -> Iterator[None]:
    """Let the block run so many lines of Python in this thread; one more ends it, so that no loop goes on for hours.

    What the block calls is counted, the lines of the block itself are not.

    Raises:
        TooMuchWork: at the line after the last one allowed.
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
    if count > limit:  # what was raised may have been caught
        raise TooMuchWork(f"{count} lines where {limit} are allowed")
