"""When a job or a batch is expected to start and to end, from the measured rate; nothing is guessed without one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.models import Job, JobStatus
from gonemaster_db.repositories.batch_jobs import batch_outlook
from gonemaster_db.repositories.pauses import list_pauses
from gonemaster_db.repositories.queue import count_states, find_place
from gonemaster_db.repositories.throughput import Throughput, measure_throughput
from gonemaster_tasks.queues import tier_of

_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True)
class Rate:
    """Jobs that can end in a second now, and how long one takes; the tiers that stand still."""

    per_second: float
    mean_duration: timedelta
    standing: frozenset[str]


@dataclass(frozen=True)
class Estimate:
    """What can be said about a waiting or running job or batch; None where nothing was measured."""

    position: int | None = None
    ahead: int | None = None
    expected_start_at: datetime | None = None
    expected_finish_at: datetime | None = None


def measure_rate(session: Session, *, now: datetime) -> Rate | None:
    """Measure over the last ten minutes; None if fewer than three jobs ended in them.

    When few jobs came, few ended: what the slots in use can do at the mean duration then says more.
    """
    measured: Throughput | None = measure_throughput(session, now=now, window=_WINDOW)
    if measured is None:
        return None
    running = sum(count for (_, status), count in count_states(session).items() if status == JobStatus.RUNNING)
    possible = running / max(0.001, measured.mean_duration.total_seconds())
    standing = frozenset(pause.tier for pause in list_pauses(session, now=now) if pause.until is None)
    return Rate(max(measured.per_second, possible), measured.mean_duration, standing)


def estimate_job(session: Session, job: Job, rate: Rate | None, *, now: datetime) -> Estimate:
    """Estimate one job; a held one, or one in a tier paused without an end, has no times."""
    if job.status == JobStatus.RUNNING:
        return Estimate(expected_start_at=job.started_at, expected_finish_at=_finish_of_running(job, rate, now))
    place = find_place(session, job)
    if place is None:
        return Estimate()
    return estimate_place(place.position, place.ahead, tier_of(job.priority), rate, now=now)


def estimate_place(position: int, ahead: int, tier: str, rate: Rate | None, *, now: datetime) -> Estimate:
    """Estimate a queued job whose place is known, as on a page of the queue."""
    if rate is None or tier in rate.standing:
        return Estimate(position, ahead)
    start = now + timedelta(seconds=ahead / rate.per_second)
    return Estimate(position, ahead, start, start + rate.mean_duration)


def estimate_batch(session: Session, batch_id: str, rate: Rate | None, *, now: datetime) -> Estimate:
    """Estimate an unfinished batch: position and start are those of its first job, the end is that of its last."""
    outlook = batch_outlook(session, batch_id)
    if outlook is None:
        return Estimate()
    first = estimate_job(session, outlook.first, rate, now=now)
    last = estimate_job(session, outlook.last, rate, now=now)
    return Estimate(first.position, first.ahead, outlook.started_at or first.expected_start_at, last.expected_finish_at)


def _finish_of_running(job: Job, rate: Rate | None, now: datetime) -> datetime | None:
    if rate is None or job.started_at is None:
        return None
    return max(now, job.started_at + rate.mean_duration)
