"""What is done to jobs from outside: rows first, then the broker; what fails in between is reconciled."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session

from gonemaster_db.clock import utcnow
from gonemaster_db.models import Batch, Job, Run
from gonemaster_db.models.jobs import Priority
from gonemaster_db.records import NewBatch, NewJob
from gonemaster_db.repositories.audit import record_action
from gonemaster_db.repositories.batches import create_batch
from gonemaster_db.repositories.graduation import request_cancel
from gonemaster_db.repositories.jobs import create_job, create_jobs, find_job_or_run
from gonemaster_db.repositories.pauses import pause_tiers, resume_tiers
from gonemaster_db.session import Store
from gonemaster_tasks.app import make_app_of
from gonemaster_tasks.broker import Broker
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.events import JobEvent, publish
from gonemaster_tasks.flags import copy_controls
from gonemaster_tasks.queues import TIERS, tier_of
from gonemaster_tasks.settings import Settings

log = logging.getLogger(__name__)

CANCEL_COMMAND = "gonemaster_cancel"
_ANSWERED_IDS = 10_000
_SUBMISSION_LIFE = timedelta(seconds=60)


@dataclass(frozen=True)
class QueueParts:
    """Database, broker and Celery application of a process that controls the queue; safe in threads."""

    store: Store
    broker: Broker
    celery: Celery


@dataclass(frozen=True)
class SubmittedBatch:
    """A batch whose jobs are queued; `job_ids` is empty when there are more than 10,000."""

    batch: Batch
    job_count: int
    job_ids: tuple[str, ...]


def open_queue(settings: Settings, store: Store) -> QueueParts:
    """Connect to the broker of the settings, whose URL must be filled in by now. Raises BrokerRefused."""
    broker = Broker.open(settings.broker_url)
    return QueueParts(store, broker, make_app_of(settings))


def submit_job(parts: QueueParts, new: NewJob, *, also: Callable[[Session, Job], None] | None = None) -> Job:
    """Queue one job; `also` writes in the same transaction.

    Raises:
        BrokerUnavailable: Redis is away; nothing was written.
    """
    parts.broker.ping()

    def create(session: Session) -> Job:
        job = create_job(session, new)
        if also is not None:
            also(session, job)
        return job

    job = parts.store.run(create)
    try:
        parts.broker.enqueue(job.id, tier_of(job.priority))
    except BrokerUnavailable:
        log.warning("job stored, the reconciler will enqueue it", extra={"job_id": job.id})
    return job


def submit_batch(
    parts: QueueParts,
    batch: NewBatch,
    jobs: Iterable[NewJob],
    *,
    also: Callable[[Session, SubmittedBatch], None] | None = None,
) -> SubmittedBatch:
    """Store a batch and its jobs in one transaction, then enqueue them in slices; `also` writes in the same one.

    `jobs` need no batch id, and are read only once, a chunk at a time.

    Raises:
        BrokerUnavailable: Redis is away; nothing was written.
    """
    parts.broker.ping()
    chunks: list[str] = []  # ids of a chunk joined by spaces: a third of the memory of a list of ids
    with parts.store.transaction() as session:
        row = create_batch(session, batch)
        parts.broker.begin_submission(row.id, _SUBMISSION_LIFE)
        for ids in create_jobs(session, (_in_batch(job, row.id) for job in jobs)):
            chunks.append(" ".join(ids))
            parts.broker.begin_submission(row.id, _SUBMISSION_LIFE)
        submitted = _submitted(row, chunks)
        if also is not None:
            also(session, submitted)
    _enqueue_batch(parts.broker, row, chunks)
    return submitted


def _submitted(batch: Batch, chunks: list[str]) -> SubmittedBatch:
    count = sum(chunk.count(" ") + 1 for chunk in chunks)
    job_ids = tuple(job_id for chunk in chunks for job_id in chunk.split()) if count <= _ANSWERED_IDS else ()
    return SubmittedBatch(batch, count, job_ids)


def _in_batch(job: NewJob, batch_id: str) -> NewJob:
    return replace(job, batch_id=batch_id, priority=Priority.BATCH)


def _enqueue_batch(broker: Broker, batch: Batch, chunks: list[str]) -> None:
    tier = tier_of(Priority.BATCH)
    try:
        for chunk in chunks:
            broker.enqueue_many(chunk.split(), tier)
            broker.begin_submission(batch.id, _SUBMISSION_LIFE)
        broker.end_submission(batch.id)
    except BrokerUnavailable:
        log.warning("batch stored, the reconciler will enqueue the rest", extra={"batch_id": batch.id})


def cancel_job(parts: QueueParts, job_id: str, *, error: str = "canceled", who: str = "") -> Job | Run:
    """Cancel a job: a waiting one is a canceled run at once, a running one is told to its worker.

    The row decides; a message that stays behind is dropped by the claim. A finished run is returned as it is.

    Raises:
        JobNotFound: neither a job nor a run has this id.
    """
    with parts.store.reading() as session:
        before = find_job_or_run(session, job_id)
    if isinstance(before, Run):
        return before

    def cancel(session: Session) -> Job | Run:
        now = utcnow()
        left = request_cancel(session, job_id, now=now, error=error)
        details = {"status": str(left.status)}  # running: it was told to stop
        record_action(session, "job.cancel", who=who, now=now, target=job_id, details=details)
        return left

    after = parts.store.run(cancel)
    if isinstance(after, Job):
        tell_workers_to_cancel(parts, [job_id])
    else:
        _forget_message(parts.broker, after)
    return after


def _forget_message(broker: Broker, run: Run) -> None:
    try:
        broker.remove([run.id], tier_of(run.priority))
        publish(broker, run.id, JobEvent("done", {"status": str(run.status)}))
    except BrokerUnavailable:
        log.warning("message not removed, its claim will drop it", extra={"job_id": run.id})


def tell_workers_to_cancel(parts: QueueParts, job_ids: Sequence[str]) -> None:
    """Broadcast that running jobs have a cancel mark; who misses it reads the mark when it renews its leases."""
    try:
        parts.celery.control.broadcast(CANCEL_COMMAND, arguments={"job_ids": list(job_ids)}, reply=False)
    except (OperationalError, OSError) as error:
        log.warning("cancel not broadcast, the leases tell it", extra={"job_ids": job_ids, "error": str(error)})


def pause_queue(
    parts: QueueParts,
    tiers: Sequence[str] = TIERS,
    *,
    paused_by: str = "",
    reason: str = "",
    until: datetime | None = None,
) -> None:
    """Let no job of these tiers start any more, on all workers within a second; running jobs finish.

    The pause survives restarts of everything, and ends by itself at `until`.

    Raises:
        BrokerUnavailable: the pause is stored, and holds as soon as the reconciler can copy it.
    """
    now = utcnow()

    def pause(session: Session) -> None:
        pause_tiers(session, tiers, paused_by=paused_by, reason=reason, now=now, until=until)
        details = {"reason": reason, "until": until.isoformat() if until else None}
        target = ",".join(tiers)
        record_action(session, "queue.pause", who=paused_by, now=now, target=target, count=len(tiers), details=details)

    parts.store.run(pause)
    copy_controls(parts.store, parts.broker, now=now)


def resume_queue(parts: QueueParts, tiers: Sequence[str] = TIERS, *, who: str = "") -> list[str]:
    """Let jobs start again; returns the tiers that were paused. Raises BrokerUnavailable as pause_queue does."""
    now = utcnow()

    def resume(session: Session) -> list[str]:
        resumed = resume_tiers(session, tiers)
        record_action(session, "queue.resume", who=who, now=now, target=",".join(tiers), count=len(resumed))
        return resumed

    resumed = parts.store.run(resume)
    copy_controls(parts.store, parts.broker, now=now)
    return resumed
