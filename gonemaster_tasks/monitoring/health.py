"""What is stuck: looked for in workers, rows, messages and schedules, and told in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gonemaster_db.models import Job, JobStatus
from gonemaster_db.repositories.jobs import expired_leases
from gonemaster_db.repositories.pauses import list_pauses
from gonemaster_db.repositories.queue import count_states, first_queued_ids, oldest_waiting
from gonemaster_db.repositories.throughput import has_progressed_since
from gonemaster_tasks.broker.workers import WorkerState
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.queues import TIERS

KINDS = (
    "job_stalled",  # runs, its worker lives, and has made no progress for stuck_job_timeout_minutes
    "tier_stalled",  # jobs wait, workers live, and nothing has started or ended for stuck_job_timeout_minutes
    "lease_ended",  # its worker is gone, and the reaper has not come
    "row_without_message",
    "message_without_row",
    "no_worker",  # jobs wait in a tier that no living worker takes from
    "beat_absent",
    "schedule_missing",
    "may_evict",  # Redis would drop messages when its memory is full
)
_MOST_JOBS = 100
_GRACE = timedelta(seconds=15)


@dataclass(frozen=True)
class Trouble:
    """One thing that does not move. `subject` is a job id, a tier or the name of a part; `count` says how many jobs."""

    kind: str
    subject: str
    text: str
    since: datetime | None = None
    count: int = 1


def find_troubles(parts: QueueParts, settings: Settings) -> list[Trouble]:
    """Look at everything once; of jobs the first hundred of a kind. Raises BrokerUnavailable, StoreUnavailable."""
    now = datetime.fromtimestamp(parts.broker.time(), UTC)
    workers = parts.broker.workers.living()
    patience = timedelta(minutes=settings.stuck_job_timeout_minutes)
    return [
        *_stalled_jobs(workers, now, patience),
        *_stalled_tiers(parts, workers, now, patience),
        *_ended_leases(parts, now, timedelta(seconds=2 * settings.reap_interval_seconds)),
        *_tiers(parts, workers, now),
        *_schedules(parts),
        *_eviction(parts),
    ]


def count_troubles(parts: QueueParts, settings: Settings) -> dict[str, int]:
    """Count by kind what `find_troubles` finds, 0 for what it does not; for metrics. Raises as it does."""
    counts = dict.fromkeys(KINDS, 0)
    for trouble in find_troubles(parts, settings):
        counts[trouble.kind] += trouble.count
    return counts


def _stalled_jobs(workers: list[WorkerState], now: datetime, limit: timedelta) -> Iterator[Trouble]:
    if not limit:
        return
    for worker in workers:
        for job_id, at in worker.running.items():
            since = datetime.fromtimestamp(at, UTC)
            if now - since >= limit:
                yield Trouble("job_stalled", job_id, f"no progress on {worker.name}", since)


def _stalled_tiers(parts: QueueParts, workers: list[WorkerState], now: datetime, limit: timedelta) -> Iterator[Trouble]:
    """Look for tiers that should move and do not, as with a worker whose main thread hangs."""
    if not limit:
        return
    since = now - limit
    with parts.store.read_only() as session:
        if has_progressed_since(session, since):
            return
        paused = {pause.tier for pause in list_pauses(session, now=now)}
        oldest = {tier: oldest_waiting(session, priority) for priority, tier in enumerate(TIERS)}
    for tier, waiting in oldest.items():
        ready = any(tier in worker.queues and worker.started_at < since.timestamp() for worker in workers)
        if ready and tier not in paused and waiting is not None and waiting < since:
            yield Trouble("tier_stalled", tier, "jobs wait, workers live, and nothing moves", waiting)


def _ended_leases(parts: QueueParts, now: datetime, grace: timedelta) -> Iterator[Trouble]:
    with parts.store.read_only() as session:
        jobs: list[Job] = expired_leases(session, now=now - grace, limit=_MOST_JOBS)
    for job in jobs:
        yield Trouble("lease_ended", job.id, f"left behind by {job.worker}, not reaped", job.lease_until)


def _tiers(parts: QueueParts, workers: list[WorkerState], now: datetime) -> Iterator[Trouble]:
    held = parts.broker.unacked.count()
    depths = parts.broker.lists.depths()
    with parts.store.read_only() as session:
        states = count_states(session)
        paused = {pause.tier for pause in list_pauses(session, now=now)}
        due = {
            tier: first_queued_ids(session, priority, limit=_MOST_JOBS, created_before=now - _GRACE)
            for priority, tier in enumerate(TIERS)
        }
    for priority, tier in enumerate(TIERS):
        rows = states.get((priority, JobStatus.QUEUED), 0)
        if rows and tier not in paused and not any(tier in worker.queues for worker in workers):
            yield Trouble("no_worker", tier, f"{rows} jobs wait and no worker takes from this tier", count=rows)
        lost = max(rows - depths[tier] - held, 0) or len(parts.broker.without_message(due[tier], tier))
        if lost and not parts.broker.marks.submissions():
            yield Trouble("row_without_message", tier, f"{lost} queued jobs have no message", count=lost)
        stray = depths[tier] - rows - held
        if stray > 0:
            yield Trouble("message_without_row", tier, f"{stray} messages belong to no queued job", count=stray)


def _schedules(parts: QueueParts) -> Iterator[Trouble]:
    if not parts.broker.beat.active():
        yield Trouble("beat_absent", "beat", "no beat holds the lock: nothing recurring is sent")
    for name in parts.broker.beat.missing_entries(parts.celery):
        yield Trouble("schedule_missing", name, "beat does not know this entry and says nothing")


def _eviction(parts: QueueParts) -> Iterator[Trouble]:
    policy = parts.broker.eviction_policy()
    if policy not in ("", "noeviction"):
        yield Trouble("may_evict", "redis", f"maxmemory-policy is {policy}, it must be noeviction")
