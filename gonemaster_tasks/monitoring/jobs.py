"""Issues of jobs, messages, operations and schedules."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gonemaster_db.models import Job, JobStatus
from gonemaster_db.queue.jobs import expired_leases
from gonemaster_db.queue.pauses import list_pauses
from gonemaster_db.queue.queue import count_queued, count_states, first_queued_ids, oldest_waiting
from gonemaster_db.queue.throughput import has_progressed_since
from gonemaster_db.service.operations import failed_operations, unfinished_operations
from gonemaster_db.service.schedules import failed_schedules, overdue_schedules
from gonemaster_engine.texts import Text
from gonemaster_tasks.broker.keys import REJECTED
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.broker.queue.window import WINDOWED
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.monitoring.issues import Issue
from gonemaster_tasks.queues import CHECK, MAINTENANCE, TIERS

_MAX_JOBS = 100
GRACE = timedelta(seconds=15)
_FAILURE_PERIOD = timedelta(days=1)
_RECONCILED_WITHIN = 1.1  # The intervals of the reconciler are random, and up to a tenth longer than the setting.


def find_row_issues(parts: QueueParts, settings: Settings, now: datetime) -> Iterator[Issue]:
    """Yield the issues found in the database alone."""
    yield from _ended_leases(parts, now, max(GRACE, timedelta(seconds=2 * settings.reap_interval_seconds)))
    yield from _operations(parts, now, timedelta(seconds=2 * settings.reconcile_interval_seconds))
    yield from _recurring_batches(parts, settings, now)


def find_message_issues(parts: QueueParts, settings: Settings, now: datetime) -> Iterator[Issue]:
    """Yield the issues found in Redis alone."""
    workers = parts.broker.workers.live()
    yield from _stalled_jobs(workers, now, timedelta(minutes=settings.stuck_job_timeout_minutes))
    yield from _maintenance(parts, workers)
    yield from _checks(parts, workers)
    yield from _schedules(parts)
    yield from _rejected(parts)


def find_mismatches(parts: QueueParts, settings: Settings, now: datetime) -> Iterator[Issue]:
    """Yield the issues where rows differ from messages or workers."""
    workers = parts.broker.workers.live()
    yield from _stalled_tiers(parts, workers, now, timedelta(minutes=settings.stuck_job_timeout_minutes))
    yield from _tiers(parts, workers, now, settings.reconcile_interval_seconds)


def _stalled_jobs(workers: list[WorkerState], now: datetime, limit: timedelta) -> Iterator[Issue]:
    if not limit:
        return
    for worker in workers:
        for job_id, at in worker.running.items():
            since = datetime.fromtimestamp(at, UTC)
            if now - since >= limit:
                yield Issue(
                    "job_stalled", job_id, Text("worker {name} has reported no progress", name=worker.name), since
                )


def _stalled_tiers(parts: QueueParts, workers: list[WorkerState], now: datetime, limit: timedelta) -> Iterator[Issue]:
    """Yield tiers whose workers are alive but take no jobs, for example because the main thread of a worker hangs."""
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
            yield Issue(
                "tier_stalled",
                tier,
                Text("jobs are waiting and workers are running, but no job starts or ends"),
                waiting,
            )


def _ended_leases(parts: QueueParts, now: datetime, grace: timedelta) -> Iterator[Issue]:
    with parts.store.read_only() as session:
        jobs: list[Job] = expired_leases(session, now=now - grace, limit=_MAX_JOBS)
    for job in jobs:
        yield Issue(
            "lease_ended",
            job.id,
            Text("the lease of worker {worker} has expired and the reaper has not requeued the job", worker=job.worker),
            job.lease_until,
        )


def _tiers(parts: QueueParts, workers: list[WorkerState], now: datetime, reconcile_interval_s: int) -> Iterator[Issue]:
    held = parts.broker.unacked.count()
    ends = {tier: end for tier in WINDOWED if (end := parts.broker.window.end(tier)) is not None}
    depths = parts.broker.lists.depths()
    with parts.store.read_only() as session:
        states = count_states(session)
        within = {tier: count_queued(session, TIERS.index(tier), until=end) for tier, end in ends.items()}
        paused = {pause.tier for pause in list_pauses(session, now=now)}
        due = {
            tier: first_queued_ids(session, priority, limit=_MAX_JOBS, created_before=now - GRACE, until=ends.get(tier))
            for priority, tier in enumerate(TIERS)
        }
    if workers and any(states.get((priority, JobStatus.QUEUED)) for priority in range(len(TIERS))):
        yield from _outdated_tiers(parts)
    for priority, tier in enumerate(TIERS):
        rows = states.get((priority, JobStatus.QUEUED), 0)
        if rows and tier not in paused and not any(tier in worker.queues for worker in workers):
            yield Issue(
                "no_worker",
                tier,
                Text("1 job is waiting, but no worker consumes this tier")
                if rows == 1
                else Text("{number} jobs are waiting, but no worker consumes this tier", number=rows),
                count=rows,
            )
        rows = within.get(tier, rows)  # Jobs after the window have no message yet.
        lost = max(rows - depths[tier] - held, 0) or len(parts.broker.without_message(due[tier], tier))
        if lost and parts.broker.marks.submissions():
            lost = 0
        if _outlasts_reconciler(parts, "row_without_message", tier, lost, reconcile_interval_s):
            yield Issue(
                "row_without_message",
                tier,
                Text("1 queued job has no message in the broker")
                if lost == 1
                else Text("{number} queued jobs have no message in the broker", number=lost),
                count=lost,
            )
        stray = max(depths[tier] - rows - held, 0)
        if _outlasts_reconciler(parts, "message_without_row", tier, stray, reconcile_interval_s):
            yield Issue(
                "message_without_row",
                tier,
                Text("1 message does not belong to a queued job")
                if stray == 1
                else Text("{number} messages do not belong to a queued job", number=stray),
                count=stray,
            )


def _outlasts_reconciler(parts: QueueParts, kind: str, tier: str, count: int, interval_s: int) -> bool:
    """Return whether all readings have differed for longer than the reconciler needs, which is at most its interval."""
    if not count:
        parts.broker.mismatches.end(kind, tier)
        return False
    limit = interval_s * _RECONCILED_WITHIN * timedelta(seconds=1) + GRACE
    return parts.broker.mismatches.lasting_s(kind, tier, life=3 * limit + GRACE) > limit.total_seconds()


def _outdated_tiers(parts: QueueParts) -> Iterator[Issue]:
    if parts.broker.marks.controls().outdated:
        text = Text(
            "messages may be old or missing: Redis is empty or full, or was restarted or replaced; "
            "jobs start once a worker has rebuilt the tiers"
        )
        yield Issue("tiers_outdated", "redis", text)


def _checks(parts: QueueParts, workers: list[WorkerState]) -> Iterator[Issue]:
    """Yield an issue if checks before delegation arrive and may have to wait for other jobs."""
    if (
        workers
        and not any(worker.reserved_check_slots for worker in workers)
        and parts.broker.check_clients.any_recent()
    ):
        text = Text("no slots are reserved for checks before delegation, so they wait while all slots are busy")
        yield Issue("checks_unreserved", CHECK, text)


def _maintenance(parts: QueueParts, workers: list[WorkerState]) -> Iterator[Issue]:
    """Yield an issue if no worker consumes the maintenance queue."""
    waiting = parts.broker.lists.depths()[MAINTENANCE]
    if waiting and not any(MAINTENANCE in worker.queues for worker in workers):
        text = Text(
            "periodic tasks are waiting, but no worker consumes this queue: leases are not reaped, schedules do not run"
        )
        yield Issue("maintenance_idle", MAINTENANCE, text, count=waiting)


def _schedules(parts: QueueParts) -> Iterator[Issue]:
    if not parts.broker.beat.active():
        yield Issue("beat_absent", "beat", Text("no beat holds the lock, so no periodic task is sent"))
    for name in parts.broker.beat.missing_entries(parts.celery):
        yield Issue(
            "schedule_missing", name, Text("the schedule in Redis lacks this entry, so beat does not send its task")
        )


def _rejected(parts: QueueParts) -> Iterator[Issue]:
    newest = parts.broker.rejected.newest()
    if newest is not None:
        text = Text(
            "an item of this queue was rejected: {reason}; the most recent ones are in {rejected}",
            reason=newest.reason,
            rejected=REJECTED,
        )
        since = datetime.fromtimestamp(newest.at, UTC)
        yield Issue("item_rejected", newest.queue, text, since, count=parts.broker.rejected.count())


def _operations(parts: QueueParts, now: datetime, grace: timedelta) -> Iterator[Issue]:
    """Yield failed operations, and operations that no worker performs although the reconciler has asked for it."""
    with parts.store.read_only() as session:
        unfinished = unfinished_operations(session, limit=_MAX_JOBS)
        failed = failed_operations(session, since=now - _FAILURE_PERIOD, limit=_MAX_JOBS)
    if not any(operation.lease_until and operation.lease_until >= now for operation in unfinished):
        for operation in unfinished:  # While one operation is being performed, the others wait for their turn.
            since = operation.lease_until or operation.created_at
            if now - since >= grace:
                text = Text(
                    "{kind} of {target} is waiting, but no worker performs it",
                    kind=operation.kind,
                    target=repr(operation.target),
                )
                yield Issue("operation_stalled", operation.id, text, since)
    for operation in failed:
        text = Text(
            "{kind} of {target} failed: {error}",
            kind=operation.kind,
            target=repr(operation.target),
            error=operation.error,
        )
        yield Issue("operation_failed", operation.id, text, operation.finished_at)


def _recurring_batches(parts: QueueParts, settings: Settings, now: datetime) -> Iterator[Issue]:
    before = now - timedelta(seconds=2 * settings.scheduler_interval_seconds) - GRACE
    with parts.store.read_only() as session:
        overdue = overdue_schedules(session, before=before, limit=_MAX_JOBS) if settings.scheduler_enabled else []
        failed = failed_schedules(session, limit=_MAX_JOBS)
    for listed in overdue:
        text = Text("the schedule of this tag is due, but no worker submits its batch")
        yield Issue("schedule_overdue", listed.source_tag, text, listed.schedule.next_run_at)
    for listed in failed:
        text = Text(
            "the last batch of its schedule was not submitted: {last_error}", last_error=listed.schedule.last_error
        )
        yield Issue("schedule_failed", listed.source_tag, text, listed.schedule.last_run_at)
