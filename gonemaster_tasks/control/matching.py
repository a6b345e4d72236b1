"""All jobs that match a filter: cancellation, or a rerun as a new batch."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.core.filters import JobFilter
from gonemaster_db.core.records import NewBatch
from gonemaster_db.runs.graduation import cancel_waiting_jobs
from gonemaster_db.runs.matching_jobs import (
    count_repeatable,
    iter_repeated,
    repeated_jobs,
    request_cancel_of_filter,
    waiting_of_filter,
)
from gonemaster_db.service.audit import LongAction, record_action
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.batches import CHUNK, CanceledBatch
from gonemaster_tasks.control.broadcasts import post_cancel
from gonemaster_tasks.control.order_changes import QUEUE_ORDER, rebuild_tier
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.submit import SubmittedBatch, check_options, submit_batch
from gonemaster_tasks.errors import BrokerUnavailable, NothingToRerun
from gonemaster_tasks.queues import TIERS

log = logging.getLogger(__name__)

_TIMES = ("created_after", "created_before")


def parameters_of(criteria: JobFilter) -> dict[str, Any]:
    """Return a filter as JSON, for the parameters of an operation."""
    found = {name: value for name, value in asdict(criteria).items() if value is not None}
    return found | {name: found[name].isoformat() for name in _TIMES if name in found}


def filter_of(parameters: Mapping[str, Any]) -> JobFilter:
    """Return the filter from the parameters of an operation."""
    times = {name: datetime.fromisoformat(parameters[name]) for name in _TIMES if name in parameters}
    return JobFilter(**{**parameters, **times})


def cancel_matching(parts: QueueParts, criteria: JobFilter, *, who: str) -> CanceledBatch:
    """Cancel all waiting and running jobs that match a filter."""
    action = LongAction("jobs.cancel", who=who, details=parameters_of(criteria))
    cancel = partial(_cancel_some, criteria=criteria, action=action, now=parts.clock.now())
    canceled = 0
    while ended := parts.store.run_in_transaction(cancel):
        canceled += len(ended)
    stopping = stop_matching(parts, criteria, action)
    try:
        if canceled:
            rebuild_tiers(parts)
    except BrokerUnavailable:
        log.warning("messages not removed, dropped when claimed", extra={"jobs": canceled})
    return CanceledBatch(canceled, stopping)


def _cancel_some(session: Session, *, criteria: JobFilter, action: LongAction, now: datetime) -> list[str]:
    return cancel_matching_chunk(session, criteria, size=CHUNK, action=action, now=now)


def cancel_matching_chunk(
    session: Session, criteria: JobFilter, *, size: int, action: LongAction, now: datetime
) -> list[str]:
    """Cancel up to `size` waiting jobs that match, from the back of the queue; return their ids."""
    ids = waiting_of_filter(session, criteria, limit=size)
    ended = cancel_waiting_jobs(session, ids, now=now) if ids else []
    if ended:
        action.add(session, len(ended), now=now)
    return ended


def stop_matching(parts: QueueParts, criteria: JobFilter, action: LongAction) -> int:
    """Request the cancellation of the running jobs that match; return their number. Idempotent."""
    now = parts.clock.now()

    def mark(session: Session) -> list[str]:
        stopping = request_cancel_of_filter(session, criteria, now=now)
        if stopping:
            action.add(session, len(stopping), now=now)
        return stopping

    stopping = parts.store.run_in_transaction(mark)
    post_cancel(parts.celery, stopping)
    return len(stopping)


def rebuild_tiers(parts: QueueParts, tiers: Sequence[str] = TIERS) -> None:
    """Replace the messages of tiers with those of their queued jobs. Raises BrokerUnavailable."""
    with parts.broker.locks.exclusive(QUEUE_ORDER):
        for tier in tiers:
            rebuild_tier(parts.store, parts.broker, tier)


def rerun_matching(parts: QueueParts, criteria: JobFilter, *, who: str) -> SubmittedBatch:
    """Queue a new batch with the domains and options of all runs that match.

    Raises:
        NothingToRerun: no run matches.
        OptionsTooLarge: the options of the jobs exceed the limit.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    with parts.store.read_only() as session:
        count, octets = count_repeatable(session, criteria)
    if not count:
        raise NothingToRerun(Text("no finished run matches"))
    check_options(octets, count)
    record = partial(_record, who=who, details=parameters_of(criteria))
    new = NewBatch(count, description="runs of a list again")
    return submit_batch(parts, new, lambda session: iter_repeated(session, criteria), write=record)


def rerun_listed(parts: QueueParts, run_ids: Sequence[str], *, who: str) -> SubmittedBatch:
    """Queue a new batch with the domains and options of the listed runs; other ids are ignored.

    Raises:
        NothingToRerun: no id belongs to a run.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    with parts.store.read_only() as session:
        jobs = repeated_jobs(session, run_ids)
    if not jobs:
        raise NothingToRerun(Text("none of the chosen jobs has finished"))
    record = partial(_record, who=who, details={})
    return submit_batch(parts, NewBatch(len(jobs), description="runs of a list again"), jobs, write=record)


def _record(session: Session, created: SubmittedBatch, *, who: str, details: Mapping[str, Any]) -> None:
    details, now = {**details, "batch_id": created.batch.id}, created.batch.created_at
    record_action(session, "jobs.rerun", who=who, now=now, count=created.job_count, details=details)
