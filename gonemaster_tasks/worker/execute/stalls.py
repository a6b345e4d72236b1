"""Stalled runs, which wait for name servers that do not answer and yield their slots to other jobs.

The gain is in docs/explanation/performance.md.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gonemaster_engine.memory import resident_octets

TICK_S = 0.25
STALLED_S = 1.0  # Without an entry or a finished test case.
LATE_S = 0.05  # A tick that is later than this shows that the loop has work.
_TICKS = 4  # Consecutive punctual ticks after which the loop has spare time.
MAX_MEMORY = 512 * 1024 * 1024  # bytes of the process; above it no more zones are tested concurrently


@dataclass(eq=False, slots=True)
class TrackedRun:
    """A running test."""

    yield_slot: Callable[[], bool]  # Returns False if the slot was refused; it is then called again.
    moved_at: float  # time of the event loop


class StallDetector:
    """Makes stalled runs yield their slots while the event loop has spare time.

    A run that is stalled because the loop or the machine is busy would not benefit from another run. Create and use the
    detector in the loop of the runs.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._runs: set[TrackedRun] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._in_time = 0

    @contextmanager
    def track(self, yield_slot: Callable[[], bool]) -> Iterator[Callable[[], None]]:
        """Track a run; call the yielded function whenever the run makes progress."""
        run = TrackedRun(yield_slot, self._loop.time())
        self._runs.add(run)
        if self._timer is None:
            self._in_time = 0
            self._set_timer()

        def moved() -> None:
            run.moved_at = self._loop.time()

        try:
            yield moved
        finally:
            self._runs.discard(run)

    def _set_timer(self) -> None:
        due = self._loop.time() + TICK_S
        self._timer = self._loop.call_at(due, self._tick, due)

    def _tick(self, due: float) -> None:
        self._timer = None
        if self._runs:
            self.check(late_s=self._loop.time() - due)
            self._set_timer()

    def check(self, *, late_s: float) -> None:
        """Check the runs once, `late_s` after the scheduled time."""
        self._in_time = self._in_time + 1 if late_s < LATE_S else 0
        if self._in_time < _TICKS:
            return
        stalled_since = self._loop.time() - STALLED_S
        stalled = [run for run in self._runs if run.moved_at <= stalled_since]
        if stalled and resident_octets() < MAX_MEMORY:
            self._runs.difference_update(run for run in sorted(stalled, key=_moved_at) if run.yield_slot())


def _moved_at(run: TrackedRun) -> float:
    return run.moved_at
