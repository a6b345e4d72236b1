"""The pacing state of one run: its queries that wait for the limits of addresses."""

from __future__ import annotations

from typing import Protocol


class RunQueue(Protocol):
    """A queue in which queries of runs wait."""

    def leave(self, run: RunPace) -> None:
        """Remove the queries of a run."""


class RunPace:
    """The pacing state of a run: whether a user waits for its result, and how long its queries waited in total."""

    __slots__ = ("is_urgent", "queues", "waited_s")

    def __init__(self, *, is_urgent: bool = False) -> None:
        self.is_urgent = is_urgent
        self.waited_s = 0.0
        self.queues: set[RunQueue] = set()

    def end(self) -> None:
        """Remove the queries of the run from all queues."""
        for queue in list(self.queues):
            queue.leave(self)
