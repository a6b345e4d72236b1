"""Pauses between the slices of long maintenance work: jobs of the same process need the interpreter."""

from collections.abc import Callable
from time import monotonic, sleep


class WorkPace:
    """A pacer that pauses for a share of the duration of the last slice, at most `longest_s`."""

    def __init__(self, may_continue: Callable[[], bool], *, share: float, longest_s: float) -> None:
        self._continue_if = may_continue
        self._share = share
        self._longest_s = longest_s
        self._first = self._began = monotonic()

    def rest(self) -> bool:
        """Pause, then return whether to continue."""
        sleep(min(self._longest_s, (monotonic() - self._began) * self._share))
        self._began = monotonic()
        return self._continue_if()

    def lasted_s(self) -> float:
        """Return the seconds since the start."""
        return monotonic() - self._first
