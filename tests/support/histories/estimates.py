"""Positions and expected times of unfinished jobs and batches, computed from the reference.

A history has no worker on the broker, so with a measured rate all tiers count as unserved: queued jobs have no
expected start, and running jobs end after the mean duration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.support.histories.reference import Reference
from tests.support.histories.rows import JobRow, instant

_WINDOW = timedelta(minutes=10)
_LEAST_RUNS = 3
_MAX_RUNS = 1000


@dataclass(frozen=True)
class Outlook:
    """The basis of estimates; `mean` is None while too few runs have ended."""

    now: datetime
    mean: timedelta | None

    def finish(self, start: datetime | None) -> datetime | None:
        """Return the expected end of a job that has started."""
        return None if self.mean is None or start is None else max(self.now, start + self.mean)


def forecast(reference: Reference, now: datetime) -> Outlook:
    """Compute the mean duration of the last ten minutes' runs that a worker started."""
    ended = [run for run in reference.runs.values() if now - _WINDOW <= run.finished <= now and run.job.started_at]
    ended = sorted(ended, key=lambda run: run.finished, reverse=True)[:_MAX_RUNS]
    if len(ended) < _LEAST_RUNS:
        return Outlook(now, None)
    return Outlook(now, timedelta(milliseconds=sum(run.duration_ms or 0 for run in ended) / len(ended)))


def job_estimate(reference: Reference, job: JobRow, outlook: Outlook) -> dict[str, Any]:
    """Estimate one unfinished job."""
    if job.status == "running":
        return _estimate(None, None, job.started_at, outlook.finish(job.started_at))
    if job.status == "paused":
        return _estimate(None, None, None, None)
    position = reference.queued(job.priority).index(job) + 1
    return _estimate(position, _ahead(reference, position, job.priority, outlook), None, None)


def batch_estimate(
    reference: Reference, left: Sequence[JobRow], begun: datetime | None, outlook: Outlook
) -> dict[str, Any]:
    """Estimate a batch from its unfinished jobs; None for a finished batch."""
    if not left:
        return {}
    queue = reference.queued(1)
    places = [queue.index(job) + 1 for job in left if job.status == "queued"]
    position = min(places, default=None)
    ahead = None if position is None else _ahead(reference, position, 1, outlook)
    last = max((job.started_at for job in left if job.started_at), default=None)
    unknown = bool(places) or any(job.status == "paused" for job in left)
    return _estimate(position, ahead, begun, None if unknown else outlook.finish(last))


def _ahead(reference: Reference, position: int, priority: int, outlook: Outlook) -> int:
    urgent = len(reference.queued(0)) if priority and outlook.mean is None else 0
    return position - 1 + urgent


def _estimate(
    position: int | None, ahead: int | None, start: datetime | None, finish: datetime | None
) -> dict[str, Any]:
    return {
        "position": position,
        "ahead": ahead,
        "expected_start_at": instant(start),
        "expected_finish_at": instant(finish),
    }
