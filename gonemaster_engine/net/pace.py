"""One run as far as its queries wait for the limits of addresses."""

from __future__ import annotations

from typing import Protocol


class Leavable(Protocol):
    """Where queries of runs wait."""

    def leave(self, run: RunPace) -> None:
        """Forget the queries of a run."""


class RunPace:
    """`is_urgent`: somebody waits for the result of the run. `waited_s`: how long all its queries together waited."""

    __slots__ = ("is_urgent", "queues", "waited_s")

    def __init__(self, *, is_urgent: bool = False) -> None:
        self.is_urgent = is_urgent
        self.waited_s = 0.0
        self.queues: set[Leavable] = set()

    def end(self) -> None:
        """Forget the queries of the run wherever they wait."""
        for queue in list(self.queues):
            queue.leave(self)
