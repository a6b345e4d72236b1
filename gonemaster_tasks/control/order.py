"""Hold, release, move, reorder and remove waiting jobs: rows first, then messages, one caller at a time."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Literal

from sqlalchemy.orm import Session

from gonemaster_db.core.clock import utcnow
from gonemaster_db.models import Job
from gonemaster_db.queue import jobs as job_rows
from gonemaster_db.queue import queue as queue_rows
from gonemaster_db.runs.graduation import cancel_waiting_jobs
from gonemaster_db.service.audit import record_action
from gonemaster_tasks.broker.events import JobEvent, PendingEvent
from gonemaster_tasks.broker.queue.lists import MAX_BESIDE, MAX_NAMED, MAX_REORDERED, Where
from gonemaster_tasks.broker.queue.window import WINDOWED
from gonemaster_tasks.control.messages.window import leave_to_refill
from gonemaster_tasks.control.order_changes import QUEUE_ORDER, change_order, rebuild_tier, remove_messages
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.revocation import revoke_jobs
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import BATCH, NORMAL, tier_of

log = logging.getLogger(__name__)

REMOVED = "removed_from_queue"
_MAX_AUDIT_IDS = 100  # Maximum number of job ids in an audit entry.


def hold_job(parts: QueueParts, job_id: str, *, who: str = "") -> Job:
    """Hold a queued job until it is released; it keeps its position.

    Raises:
        JobNotFound: the job does not exist.
        JobStateError: the job is not waiting, or is already held.
    """

    def hold(session: Session) -> Job:
        job = job_rows.hold_job(session, job_id)
        record_action(session, "job.hold", who=who, now=utcnow(), target=job_id)
        return job

    job = parts.store.run_in_transaction(hold)
    try:
        parts.broker.lists.remove([job_id], tier_of(job.priority))
        parts.broker.events.publish(job_id, JobEvent("state", {"status": "paused"}))
    except BrokerUnavailable:
        log.warning("message not removed, dropped when claimed", extra={"job_id": job_id})
    return job


def release_job(parts: QueueParts, job_id: str, *, who: str = "") -> Job:
    """Release a held job to its previous position.

    Raises:
        JobNotFound: the job does not exist.
        JobStateError: the job is not held.
    """

    def release(session: Session) -> tuple[Job, str | None]:
        job = job_rows.release_job(session, job_id)
        record_action(session, "job.release", who=who, now=utcnow(), target=job_id)
        return job, queue_rows.next_queued_after(session, job)

    job, successor = parts.store.run_in_transaction(release)
    try:
        _enqueue_released(parts, job, successor)
        parts.broker.events.publish(job_id, JobEvent("state", {"status": "queued"}))
    except BrokerUnavailable:
        log.warning("message not written, written once Redis answers", extra={"job_id": job_id})
        parts.broker.reconciliation.post()
    return job


def _enqueue_released(parts: QueueParts, job: Job, successor: str | None) -> None:
    broker, tier = parts.broker, tier_of(job.priority)
    if leave_to_refill(broker, (job.position, job.id), tier):
        return
    if tier in WINDOWED and broker.lists.depth(tier) >= broker.window.size:
        with broker.locks.exclusive(QUEUE_ORDER):
            rebuild_tier(parts.store, broker, tier)
    elif successor is None:
        broker.lists.enqueue(job.id, tier)
    else:
        broker.lists.put_back(job.id, tier)  # The message stays at the front until it is moved to its position.
        # If the pivot was taken in the meantime, the front is the correct position.
        with suppress(LookupError):
            broker.lists.move([job.id], tier, "before", successor)


def move_jobs(parts: QueueParts, job_ids: Sequence[str], *, to: Literal["front", "back"], who: str = "") -> list[str]:
    """Move waiting jobs to an end of their tier, in the given order; return the ids of the moved ones.

    Raises:
        TierMismatch: the jobs belong to several tiers.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    return _move(parts, partial(queue_rows.move_to_end, job_ids=job_ids, to=to), side=to, who=who)


def move_jobs_next_to(
    parts: QueueParts, job_ids: Sequence[str], *, pivot: str, after: bool = False, who: str = ""
) -> list[str]:
    """Move waiting jobs before or after another job of their tier; return the ids of the moved jobs.

    Raises:
        JobNotFound: the pivot does not exist.
        JobStateError: the pivot is not waiting, or is one of the jobs.
        TierMismatch: the jobs belong to several tiers.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    move_rows = partial(queue_rows.move_next_to, job_ids=job_ids, pivot=pivot, after=after)
    return _move(parts, move_rows, side="after" if after else "before", pivot=pivot, who=who)


def _move(
    parts: QueueParts, move_rows: Callable[[Session], list[str]], *, side: Where, pivot: str = "", who: str
) -> list[str]:
    def move(session: Session) -> tuple[list[str], str]:
        moved = move_rows(session)
        details, target = {"job_ids": moved[:_MAX_AUDIT_IDS]}, f"{side} {pivot}".rstrip()
        record_action(session, "queue.move", who=who, now=utcnow(), target=target, count=len(moved), details=details)
        return moved, _tier_of_all(session, moved)

    def move_messages(done: tuple[list[str], str]) -> None:
        moved, tier = done
        if not moved:
            return
        if len(moved) <= (MAX_BESIDE if pivot else MAX_NAMED) and parts.broker.window.cut(tier) is None:
            with suppress(LookupError):  # The pivot is held or was taken in the meantime: follow the rows.
                parts.broker.lists.move(moved, tier, side, pivot)
                return
        rebuild_tier(parts.store, parts.broker, tier)

    return change_order(parts.store, parts.broker, move, move_messages)[0]


def reorder_queue(parts: QueueParts, job_ids: Sequence[str], *, who: str = "") -> None:
    """Reorder all waiting jobs; each id must occur once, normal jobs before batch jobs.

    Jobs taken in the meantime are skipped; jobs that arrive in the meantime go to the back.

    Raises:
        QueueMismatch: an id is missing or duplicate, or a batch job precedes a normal one.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """

    def reorder(session: Session) -> list[list[str]]:
        by_tier = queue_rows.reorder_queue(session, job_ids)
        record_action(session, "queue.reorder", who=who, now=utcnow(), count=len(job_ids))
        return by_tier

    def reorder_messages(by_tier: list[list[str]]) -> None:
        for tier, ids in zip((NORMAL, BATCH), by_tier, strict=True):
            if len(ids) > MAX_REORDERED or parts.broker.window.cut(tier) is not None:
                rebuild_tier(parts.store, parts.broker, tier)
            elif ids:
                parts.broker.lists.reorder(ids, tier)

    change_order(parts.store, parts.broker, reorder, reorder_messages)


def remove_jobs(parts: QueueParts, job_ids: Sequence[str], *, who: str = "") -> list[str]:
    """End waiting jobs as canceled runs with the error `removed_from_queue`; return the ids of the removed jobs."""
    now = parts.clock.now()

    def remove(session: Session) -> tuple[list[str], dict[str, list[str]]]:
        priorities = queue_rows.priorities_of(session, job_ids)
        removed = set(cancel_waiting_jobs(session, job_ids, now=now, error=REMOVED))
        ordered = [job_id for job_id in dict.fromkeys(job_ids) if job_id in removed]
        details = {"job_ids": ordered[:_MAX_AUDIT_IDS]}
        record_action(session, "queue.remove", who=who, now=now, count=len(ordered), details=details)
        by_tier: dict[str, list[str]] = {}
        for job_id in ordered:
            by_tier.setdefault(tier_of(priorities[job_id]), []).append(job_id)
        return ordered, by_tier

    removed, by_tier = parts.store.run_in_transaction(remove)
    try:
        for tier, ids in by_tier.items():
            remove_messages(parts.store, parts.broker, ids, tier)
            ended = JobEvent("done", {"status": "canceled"})
            parts.broker.events.publish_many([PendingEvent(job_id, ended) for job_id in ids])
    except BrokerUnavailable:
        log.warning("messages not removed, dropped when claimed", extra={"jobs": len(removed)})
    revoke_jobs(parts, removed)
    return removed


def _tier_of_all(session: Session, job_ids: Sequence[str]) -> str:
    """Return the tier of jobs that are known to belong to one tier."""
    priorities = queue_rows.priorities_of(session, job_ids[:1])
    return tier_of(next(iter(priorities.values()), 0))
