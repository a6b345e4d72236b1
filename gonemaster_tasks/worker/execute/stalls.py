"""Stalled runs: they wait for name servers that do not answer, so other jobs can use their slots.

Kept because it pays: of 600 zones, 72 with silent servers, 1,000 are tested a minute with it and 818 without
(docs/explanation/performance.md).
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gonemaster_engine.memory import resident_octets

TICK_S = 0.25
STALLED_S = 1.0  # without an entry or the end of a test case
LATE_S = 0.05  # of a tick: a loop with work is later
_TICKS = 4  # in time, one after the other, before the loop counts as one with time to spare
MAX_MEMORY = 512 * 1024 * 1024  # bytes of the process: no more zones at the same time if each of them needs much of it


@dataclass(eq=False, slots=True)
class TrackedRun:
    """A run that is under way."""

    yield_slot: Callable[[], bool]  # may be refused, and is then asked again
    moved_at: float  # time of the event loop


class StallDetector:
    """Lets runs yield their slots that are stalled while the event loop has time to spare.

    A run that is stalled because the loop, or the machine, is busy would not gain from one more run. Make
    and use it in the loop of the runs.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._runs: set[TrackedRun] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._in_time = 0

    @contextmanager
    def track(self, yield_slot: Callable[[], bool]) -> Iterator[Callable[[], None]]:
        """Track a run; the function that this gives is to be called whenever the run moves on."""
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
        """Check the runs once, `late_s` after the time at which this should have been."""
        self._in_time = self._in_time + 1 if late_s < LATE_S else 0
        if self._in_time < _TICKS:
            return
        stalled_since = self._loop.time() - STALLED_S
        stalled = [run for run in self._runs if run.moved_at <= stalled_since]
        if stalled and resident_octets() < MAX_MEMORY:
            self._runs.difference_update(run for run in sorted(stalled, key=_moved_at) if run.yield_slot())


def _moved_at(run: TrackedRun) -> float:
    return run.moved_at
