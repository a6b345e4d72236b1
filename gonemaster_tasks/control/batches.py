"""Cancelling and rerunning all jobs of a batch."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from gonemaster_db.analysis.membership import list_missing_members
from gonemaster_db.batches.batch_jobs import (
    count_option_characters,
    count_runs,
    iter_repeated_jobs,
    request_cancel_of_batch,
    sample_job,
    waiting_of_batch,
)
from gonemaster_db.batches.batches import get_batch
from gonemaster_db.batches.sweeps import stop_filling
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.models import RunStatus
from gonemaster_db.runs.graduation import cancel_waiting_jobs
from gonemaster_db.service.audit import LongAction, record_action
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.broadcasts import post_cancel
from gonemaster_tasks.control.order_changes import QUEUE_ORDER, rebuild_tier, remove_messages
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.revocation import revoke_jobs
from gonemaster_tasks.control.submit import SubmittedBatch, add_to_batch, check_options, submit_batch
from gonemaster_tasks.errors import BrokerUnavailable, NothingToRerun
from gonemaster_tasks.queues import BATCH

log = logging.getLogger(__name__)

Only = Literal["failed", "canceled", "all"]
CHUNK = 2000  # jobs per transaction


@dataclass(frozen=True)
class CanceledBatch:
    """The result of a cancellation: `canceled` waiting jobs have ended, `stopping` running jobs end within a second."""

    canceled: int
    stopping: int


def cancel_batch(parts: QueueParts, batch_id: str, *, who: str = "", error: str = "canceled") -> CanceledBatch:
    """Cancel all waiting and running jobs of a batch.

    Waiting jobs are canceled in chunks from the back of the queue, to avoid races with the workers at the front.

    Raises:
        BatchNotFound: the batch does not exist.
    """
    with parts.store.read_only() as session:
        get_batch(session, batch_id)
    action = LongAction("batch.cancel", who=who, target=batch_id)
    canceled: list[str] = []
    now = parts.clock.now()

    def cancel(session: Session) -> list[str]:
        return cancel_chunk(session, batch_id, size=CHUNK, action=action, now=now, error=error)

    # Waiting jobs come first: a slot that becomes free must not take the next job of the batch.
    while ended := parts.store.run_in_transaction(cancel):
        canceled += ended
    stopping = stop_running(parts, batch_id, action)
    # The messages come last: the rows decide, and a stale message only costs a claim that finds no row.
    _forget_messages(parts, canceled)
    revoke_jobs(parts, canceled)
    return CanceledBatch(len(canceled), stopping)


def cancel_chunk(
    session: Session, batch_id: str, *, size: int, action: LongAction, now: datetime, error: str = "canceled"
) -> list[str]:
    """Cancel up to `size` waiting jobs of a batch, from the back of the queue; return their ids.

    No further jobs are written if an operation is still filling the batch.
    """
    stop_filling(session, batch_id)
    ids = waiting_of_batch(session, batch_id, limit=size)
    ended = cancel_waiting_jobs(session, ids, now=now, error=error) if ids else []
    if ended:
        action.add(session, len(ended), now=now)
    return ended


def stop_running(parts: QueueParts, batch_id: str, action: LongAction) -> int:
    """Request the cancellation of the running jobs of a batch; return their number. Idempotent."""
    now = parts.clock.now()
    stopping = parts.store.run_in_transaction(lambda session: _mark_running(session, batch_id, action, now))
    post_cancel(parts.celery, stopping)
    return len(stopping)


def _mark_running(session: Session, batch_id: str, action: LongAction, now: datetime) -> list[str]:
    stopping = request_cancel_of_batch(session, batch_id, now=now)
    action.add(session, len(stopping), now=now)
    return stopping


def _forget_messages(parts: QueueParts, job_ids: list[str]) -> None:
    try:
        remove_messages(parts.store, parts.broker, job_ids, BATCH)
    except BrokerUnavailable:
        log.warning("messages not removed, dropped when claimed", extra={"jobs": len(job_ids)})


def rebuild_batch_tier(parts: QueueParts) -> None:
    """Replace the messages of the batch tier with those of its queued jobs. Raises BrokerUnavailable."""
    with parts.broker.locks.exclusive(QUEUE_ORDER):
        rebuild_tier(parts.store, parts.broker, BATCH)


def complete_batch(parts: QueueParts, batch_id: str, tag: str, *, who: str = "") -> SubmittedBatch:
    """Queue the domains of a tag that have no succeeded run in a batch, as further jobs of this batch.

    The jobs have the options of the batch. When they finish, the snapshots of the batch are captured again.

    Raises:
        BatchNotFound: the batch does not exist.
        NothingToRerun: no domain is missing, or the options are unknown because no run of the batch is left.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """

    def missing(session: Session) -> list[NewJob]:
        batch, sample = get_batch(session, batch_id), sample_job(session, batch_id)
        names = list_missing_members(session, batch.key, tag)
        if sample is None or not names:
            raise NothingToRerun(
                Text("batch {batch_id} has no domains without a result, or has no runs left", batch_id=batch_id)
            )
        now, details = parts.clock.now(), {"tag": tag}
        record_action(session, "batch.complete", who=who, now=now, target=batch_id, count=len(names), details=details)
        return [replace(sample, domain=name) for name in names]

    return add_to_batch(parts, batch_id, missing)


def rerun_batch(
    parts: QueueParts,
    batch_id: str,
    *,
    only: Only = "all",
    who: str = "",
    write: Callable[[Session, SubmittedBatch], None] = lambda *_: None,
) -> SubmittedBatch:
    """Queue a new batch with the domains of the failed, the canceled or all runs of a batch.

    The new batch has the tags, the snapshot intent and the `keep` of the old one. `write` is called in the same
    transaction.

    Raises:
        BatchNotFound: the batch does not exist.
        NothingToRerun: the batch has no such runs.
        OptionsTooLarge: the options of the jobs exceed the limit, which the batch may predate.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    status = None if only == "all" else RunStatus(only)
    with parts.store.read_only() as session:
        old = get_batch(session, batch_id)
        count = count_runs(session, batch_id, status=status)
        octets = count_option_characters(session, batch_id, status=status)
    if not count:
        raise NothingToRerun(
            Text("batch {batch_id} has no {kind} runs", batch_id=batch_id, kind="finished" if only == "all" else only)
        )
    check_options(octets, count)
    new = NewBatch(
        count,
        tag=old.tag,
        tags=tuple(old.tag_names),
        description=f"{only} of {batch_id} again",
        snapshot_intent=old.snapshot_intent,
        keep=old.keep,
    )

    def record(session: Session, submitted: SubmittedBatch) -> None:
        details, now = {"only": only, "batch_id": submitted.batch.id}, submitted.batch.created_at
        record_action(
            session, "batch.rerun", who=who, now=now, target=batch_id, count=submitted.job_count, details=details
        )
        write(session, submitted)

    return submit_batch(parts, new, lambda session: iter_repeated_jobs(session, batch_id, status=status), write=record)
