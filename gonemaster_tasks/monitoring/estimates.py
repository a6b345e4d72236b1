"""Expected start and end times of jobs and batches, derived from the measured rate; without a rate there are none."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.models import Job, JobStatus, Priority
from gonemaster_db.queue.pauses import list_pauses
from gonemaster_db.queue.queue import count_queued, count_running
from gonemaster_db.queue.queue_ranks import BatchSpan, count_queued_before, find_ranks
from gonemaster_db.queue.throughput import measure_throughput
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import NORMAL, TIERS, tier_of

_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True)
class Rate:
    """The rate at which jobs currently end, and the mean duration of a run."""

    per_second: float
    mean_duration: timedelta


@dataclass(frozen=True)
class DrainRate:
    """The rate, None if unknown, and the tiers that no worker consumes."""

    rate: Rate | None
    unserved: frozenset[str]


@dataclass(frozen=True)
class Forecast:
    """The common basis of all estimates at one moment.

    `pauses` maps each stopped tier, paused or unserved, to the time when it resumes, None if unknown.
    """

    now: datetime
    rate: Rate | None
    pauses: Mapping[str, datetime | None]
    waiting_normal: int

    def ahead(self, position: int, priority: int) -> int:
        """Return how many jobs start before the one at `position`; normal jobs count only if their tier is running."""
        blocked = self.pauses.get(NORMAL, self.now) is None
        urgent = self.waiting_normal if priority == Priority.BATCH and not blocked else 0
        return position - 1 + urgent

    def start(self, ahead: int, tier: str) -> datetime | None:
        """Return when a queued job starts; None without a rate, or if the resumption of its tier is unknown."""
        resumes = self.pauses.get(tier, self.now)
        if self.rate is None or resumes is None:
            return None
        return max(self.now, resumes) + timedelta(seconds=ahead / self.rate.per_second)

    def finish(self, started: datetime | None) -> datetime | None:
        """Return when a job ends that starts or started at a given time."""
        if self.rate is None or started is None:
            return None
        # A job that has run for longer than the mean may end at any moment.
        return max(self.now, started + self.rate.mean_duration)


@dataclass(frozen=True)
class Estimate:
    """The position and the expected times of an unfinished job or batch; None for unknown values."""

    position: int | None = None
    ahead: int | None = None
    expected_start_at: datetime | None = None
    expected_finish_at: datetime | None = None


def measure_rate(session: Session, *, now: datetime) -> Rate | None:
    """Measure the rate of the last ten minutes; return None if fewer than three jobs ended in them.

    If few jobs ended because few were submitted, the slots in use divided by the mean duration are a better measure.
    """
    measured = measure_throughput(session, now=now, window=_WINDOW)
    if measured is None:
        return None
    possible = count_running(session) / max(0.001, measured.mean_duration.total_seconds())
    return Rate(max(measured.per_second, possible), measured.mean_duration)


def measure_pace(session: Session, *, now: datetime, unserved: Callable[[], Collection[str]] = frozenset) -> DrainRate:
    """Measure the rate, and determine the unserved tiers; `unserved` is called only if there is a rate."""
    rate = measure_rate(session, now=now)
    return DrainRate(rate, frozenset() if rate is None else frozenset(unserved()))


def read_forecast(
    session: Session, *, now: datetime, pace: DrainRate | None = None, priorities: Collection[int] = tuple(Priority)
) -> Forecast:
    """Read the pauses and count the waiting normal jobs; the pace is measured unless it is given.

    Only the values that these priorities need are read: normal jobs do not need the number of waiting jobs, and pauses
    are not needed if there is no rate.
    """
    pace = measure_pace(session, now=now) if pace is None else pace
    waits_for_normal = Priority.BATCH in priorities
    pauses: dict[str, datetime | None] = {}
    if pace.rate is not None or waits_for_normal:
        pauses |= {pause.tier: pause.until for pause in list_pauses(session, now=now)}
    # None, as for a pause without an end: the start of a worker cannot be predicted.
    pauses |= dict.fromkeys(pace.unserved)
    waiting = count_queued(session, Priority.NORMAL) if waits_for_normal else 0
    return Forecast(now, pace.rate, pauses, waiting)


def unserved_tiers(broker: Broker) -> frozenset[str]:
    """Return the tiers that no live worker consumes; empty while the broker is unavailable."""
    try:
        workers = [worker for worker in broker.workers.live() if not worker.draining]
    except BrokerUnavailable:
        return frozenset()
    return frozenset(tier for tier in TIERS if not any(tier in worker.queues for worker in workers))


def estimate_jobs(session: Session, jobs: Iterable[Job], forecast: Forecast) -> dict[str, Estimate]:
    """Return the estimates of unfinished jobs by id; empty for a held job, since its release is unknown."""
    listed = list(jobs)
    positions = find_ranks(session, listed)
    return {job.id: _estimate_job(job, positions.get(job.id), forecast) for job in listed}


def _estimate_job(job: Job, position: int | None, forecast: Forecast) -> Estimate:
    if job.status == JobStatus.RUNNING:
        return Estimate(None, None, job.started_at, forecast.finish(job.started_at))
    if position is None:
        return Estimate()
    ahead = forecast.ahead(position, job.priority)
    start = forecast.start(ahead, tier_of(job.priority))
    return Estimate(position, ahead, start, forecast.finish(start))


def estimate_batches(
    session: Session,
    spans: Mapping[str, BatchSpan],
    forecast: Forecast,
    *,
    started: Mapping[str, datetime | None] | None = None,
) -> dict[str, Estimate]:
    """Return the estimates of unfinished batches by id: position and start of the next job, end of the last job.

    `started` has the start times of batches that have begun. A batch with held jobs has no expected end.
    """
    marks = [mark for span in spans.values() for mark in (span.first, span.last) if mark is not None]
    before = count_queued_before(session, Priority.BATCH, marks)
    begun = started or {}
    found = {}
    for batch_id, span in spans.items():
        first, last = (before[mark] + 1 if mark else None for mark in (span.first, span.last))
        found[batch_id] = _estimate_batch(span, first, last, begun.get(batch_id), forecast)
    return found


def _estimate_batch(
    span: BatchSpan, first: int | None, last: int | None, begun: datetime | None, forecast: Forecast
) -> Estimate:
    tier = tier_of(Priority.BATCH)
    ahead = None if first is None else forecast.ahead(first, Priority.BATCH)
    start = begun or (None if ahead is None else forecast.start(ahead, tier))
    last_start = forecast.start(forecast.ahead(last, Priority.BATCH), tier) if last else span.last_start
    return Estimate(first, ahead, start, None if span.held else forecast.finish(last_start))
