"""When jobs and batches are expected to start and to end, from the measured rate; nothing is guessed without one."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.models import Job, JobStatus, Priority
from gonemaster_db.repositories.pauses import list_pauses
from gonemaster_db.repositories.queue import count_queued, count_running
from gonemaster_db.repositories.queue_ranks import BatchSpan, count_queued_before, find_ranks
from gonemaster_db.repositories.throughput import measure_throughput
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import NORMAL, TIERS, tier_of

_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True)
class Rate:
    """Jobs that can end in a second now, and how long one takes."""

    per_second: float
    mean_duration: timedelta


@dataclass(frozen=True)
class Outlook:
    """What all estimates of one moment rest on. `pauses` has for each tier that stands still its end, None without."""

    now: datetime
    rate: Rate | None
    pauses: Mapping[str, datetime | None]
    waiting_normal: int

    def ahead(self, position: int, priority: int) -> int:
        """Count what goes first; normal jobs that stand still go before nobody."""
        stand_still = self.pauses.get(NORMAL, self.now) is None
        urgent = self.waiting_normal if priority != Priority.NORMAL and not stand_still else 0
        return position - 1 + urgent

    def start(self, ahead: int, tier: str) -> datetime | None:
        """Say when a queued job starts; None without a rate, and in a tier that stands still without an end."""
        opens = self.pauses.get(tier, self.now)
        if self.rate is None or opens is None:
            return None
        return max(self.now, opens) + timedelta(seconds=ahead / self.rate.per_second)

    def finish(self, started: datetime | None) -> datetime | None:
        """Say when a job ends that starts, or has started, at a time."""
        if self.rate is None or started is None:
            return None
        return max(self.now, started + self.rate.mean_duration)


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
    measured = measure_throughput(session, now=now, window=_WINDOW)
    if measured is None:
        return None
    possible = count_running(session) / max(0.001, measured.mean_duration.total_seconds())
    return Rate(max(measured.per_second, possible), measured.mean_duration)


def read_outlook(session: Session, *, now: datetime, untended: Callable[[], Collection[str]] = frozenset) -> Outlook:
    """Measure the rate and look at pauses and at what goes before the batch tier.

    `untended` gives the tiers that no worker takes from. It is asked only where there is a rate to estimate with.
    """
    rate = measure_rate(session, now=now)
    pauses = {pause.tier: pause.until for pause in list_pauses(session, now=now)}
    if rate is not None:
        pauses |= dict.fromkeys(untended())
    return Outlook(now, rate, pauses, count_queued(session, Priority.NORMAL))


def untended_tiers(broker: Broker) -> frozenset[str]:
    """Return the tiers that no living worker takes from; none while the broker does not answer, for nobody knows."""
    try:
        workers = [worker for worker in broker.workers.living() if not worker.draining]
    except BrokerUnavailable:
        return frozenset()
    return frozenset(tier for tier in TIERS if not any(tier in worker.queues for worker in workers))


def estimate_jobs(session: Session, jobs: Iterable[Job], outlook: Outlook) -> dict[str, Estimate]:
    """Estimate unfinished jobs, by id. A held one has nothing, for nobody knows when it is released."""
    listed = list(jobs)
    positions = find_ranks(session, listed)
    return {job.id: _estimate_job(job, positions.get(job.id), outlook) for job in listed}


def _estimate_job(job: Job, position: int | None, outlook: Outlook) -> Estimate:
    if job.status == JobStatus.RUNNING:
        return Estimate(None, None, job.started_at, outlook.finish(job.started_at))
    if position is None:
        return Estimate()
    ahead = outlook.ahead(position, job.priority)
    start = outlook.start(ahead, tier_of(job.priority))
    return Estimate(position, ahead, start, outlook.finish(start))


def estimate_batches(
    session: Session,
    spans: Mapping[str, BatchSpan],
    outlook: Outlook,
    *,
    started: Mapping[str, datetime | None] | None = None,
) -> dict[str, Estimate]:
    """Estimate unfinished batches, by id: place and start are those of the next job, the end is that of the last.

    Where `started` has a time, the batch has begun then. One with held jobs has no end, for they wait for somebody.
    """
    marks = [mark for span in spans.values() for mark in (span.first, span.last) if mark is not None]
    before = count_queued_before(session, Priority.BATCH, marks)
    begun = started or {}
    found = {}
    for batch_id, span in spans.items():
        first, last = (before[mark] + 1 if mark else None for mark in (span.first, span.last))
        found[batch_id] = _estimate_batch(span, first, last, begun.get(batch_id), outlook)
    return found


def _estimate_batch(
    span: BatchSpan, first: int | None, last: int | None, begun: datetime | None, outlook: Outlook
) -> Estimate:
    tier = tier_of(Priority.BATCH)
    ahead = None if first is None else outlook.ahead(first, Priority.BATCH)
    start = begun or (None if ahead is None else outlook.start(ahead, tier))
    last_start = outlook.start(outlook.ahead(last, Priority.BATCH), tier) if last else span.last_start
    return Estimate(first, ahead, start, None if span.held else outlook.finish(last_start))
