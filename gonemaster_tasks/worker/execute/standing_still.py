"""Runs that stand still: they wait for name servers that say nothing, and their slots are of use to other jobs."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gonemaster_engine.memory import resident_octets

TICK_S = 0.25
STILL_S = 1.0  # without an entry or the end of a test case
_LATE_S = 0.05  # of a tick: a loop with work is later
_TICKS = 4  # in time, one after the other, before the loop counts as one with time to spare
_MOST_MEMORY = 512 * 1024 * 1024  # octets of the process: zones that want much of it do not become more


@dataclass(eq=False, slots=True)
class Watched:
    """A run that is under way."""

    give_way: Callable[[], bool]  # may be refused, and is then asked again
    moved_at: float  # time of the event loop


class StandingStill:
    """Has runs give way that stand still while the event loop has time to spare.

    A run that stands still because the loop, or the machine, is busy would not gain from another one beside it. Make
    and use it in the loop of the runs.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._runs: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._in_time = 0

    @contextmanager
    def watch(self, give_way: Callable[[], bool]) -> Iterator[Callable[[], None]]:
        """Watch a run; what this gives is to be called whenever it moves on."""
        run = Watched(give_way, self._loop.time())
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
            self.look(late_s=self._loop.time() - due)
            self._set_timer()

    def look(self, *, late_s: float) -> None:
        """Look once, `late_s` after the time at which this should have been."""
        self._in_time = self._in_time + 1 if late_s < _LATE_S else 0
        if self._in_time < _TICKS:
            return
        still_since = self._loop.time() - STILL_S
        still = [run for run in self._runs if run.moved_at <= still_since]
        if still and resident_octets() < _MOST_MEMORY:
            self._runs.difference_update(run for run in sorted(still, key=_moved_at) if run.give_way())


def _moved_at(run: Watched) -> float:
    return run.moved_at
