"""The kinds of operations: what each changes in a step, and what it does at the end."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.batches.deletion import TagPurge, purge_domain, purge_finished_before
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import (
    DomainNotFound,
    ProfileNotFound,
)
from gonemaster_db.core.purging import Step
from gonemaster_db.domains.domain_removal import prune_domains, remove_domain
from gonemaster_db.domains.profiles import clear_profile_in_runs, delete_profile
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.queue.queue import move_to_end
from gonemaster_db.queue.waiting_jobs import last_waiting_ids, switch_waiting_jobs, waiting_ids
from gonemaster_db.runs.graduation import cancel_waiting_jobs
from gonemaster_db.service.audit import LongAction
from gonemaster_tasks.control.batches import CHUNK, cancel_chunk, rebuild_batch_tier, stop_running
from gonemaster_tasks.control.matching import cancel_matching_chunk, filter_of, rebuild_tiers, stop_matching
from gonemaster_tasks.control.order import REMOVED
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.selection import Change, selection, unmoved
from gonemaster_tasks.control.sweeps.filling import Filling
from gonemaster_tasks.control.tag_members import filter_of as members_of
from gonemaster_tasks.control.tag_members import removal
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.retention import count_purged
from gonemaster_tasks.queues import TIERS

log = logging.getLogger(__name__)

PROFILE_CHUNK = 1000  # runs per transaction


@dataclass(frozen=True)
class Work:
    """The implementation of one kind of operation.

    `step` changes up to the given number of rows and returns the number changed, 0 when none is left; it updates the
    audit log itself. `finish` gets the total of changed rows and returns the result; it is idempotent. `prepare` runs
    before the first step, without a transaction: its arguments say whether to go on, and store the number of rows to
    change; it returns False if stopped. `after_step` runs after the commit of each step.
    """

    step: Step
    finish: Callable[[int], Any]
    max_step: int | None = None
    prepare: Callable[[Callable[[], bool], Callable[[Session, int], None]], bool] | None = None
    after_step: Callable[[], None] = lambda: None


def _cancel_batch(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    batch_id = operation.target

    def step(session: Session, size: int) -> int:
        return len(cancel_chunk(session, batch_id, size=size, action=action, now=parts.clock.now()))

    def finish(done: int) -> Mapping[str, Any]:
        stopping = stop_running(parts, batch_id, action)
        try:
            rebuild_batch_tier(parts)
        except BrokerUnavailable:
            log.warning("messages not removed, dropped when claimed", extra={"operation_id": operation.id})
        return {"batch_id": batch_id, "canceled": done, "stopping": stopping}

    return Work(step, finish, max_step=CHUNK)


def _purge_runs(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    cutoff = operation.created_at - timedelta(days=operation.parameters["older_than_days"])

    def purge(session: Session, size: int) -> int:
        return purge_finished_before(session, cutoff, limit=size)

    return _purging(parts, purge, action, lambda done: {"purged_jobs": done})


def _purge_tag(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    return _purging(parts, TagPurge(operation.target), action, lambda done: {"purged_runs": done})


def _purging(parts: QueueParts, purge: Step, action: LongAction, finish: Callable[[int], Any]) -> Work:
    def step(session: Session, size: int) -> int:
        removed = purge(session, size)
        count_purged(session, removed)
        if removed:
            action.add(session, removed, now=utcnow())
        return removed

    return Work(step, finish)


def _delete_profile(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    profile_id = int(operation.target)

    def clear(session: Session, size: int) -> int:
        return clear_profile_in_runs(session, profile_id, limit=size)

    def delete(session: Session) -> None:
        delete_profile(session, profile_id)
        action.add(session, 1, now=utcnow())

    def finish(_done: int) -> None:
        with suppress(ProfileNotFound):  # An earlier worker deleted it and was killed before it reported the end.
            parts.store.run_in_transaction(delete)

    return Work(clear, finish, max_step=PROFILE_CHUNK)


def _delete_domain(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    domain_id = int(operation.target)

    def purge(session: Session, size: int) -> int:
        return purge_domain(session, domain_id, limit=size)

    def finish(done: int) -> Mapping[str, Any]:
        with suppress(DomainNotFound):  # An earlier worker deleted it and was killed before it reported the end.
            parts.store.run_in_transaction(lambda session: remove_domain(session, domain_id))
        return {"purged_runs": done}

    return _purging(parts, purge, action, finish)


def _prune_domains(_parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    def step(session: Session, size: int) -> int:
        removed = prune_domains(session, tag=operation.target or None, limit=size)
        if removed:
            action.add(session, removed, now=utcnow())
        return removed

    return Work(step, lambda done: {"pruned_domains": done})


def _cancel_jobs(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    criteria = filter_of(operation.parameters)

    def step(session: Session, size: int) -> int:
        return len(cancel_matching_chunk(session, criteria, size=size, action=action, now=parts.clock.now()))

    def finish(done: int) -> Mapping[str, Any]:
        stopping = stop_matching(parts, criteria, action)
        try:
            rebuild_tiers(parts)
        except BrokerUnavailable:
            log.warning("messages not removed, dropped when claimed", extra={"operation_id": operation.id})
        return {"canceled": done, "stopping": stopping}

    return Work(step, finish, max_step=CHUNK)


def _remove_waiting(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    def remove(session: Session, ids: list[str]) -> int:
        return len(cancel_waiting_jobs(session, ids, now=parts.clock.now(), error=REMOVED))

    return _change_selection(parts, operation, action, "remove", remove)


def _hold_waiting(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    def hold(session: Session, ids: list[str]) -> int:
        return len(switch_waiting_jobs(session, ids, held=True))

    return _change_selection(parts, operation, action, "hold", hold)


def _release_waiting(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    def release(session: Session, ids: list[str]) -> int:
        return len(switch_waiting_jobs(session, ids, held=False))

    return _change_selection(parts, operation, action, "release", release)


def _change_selection(
    parts: QueueParts,
    operation: Operation,
    action: LongAction,
    change: Change,
    apply: Callable[[Session, list[str]], int],
) -> Work:
    """Change the waiting jobs that the filter matched when the operation was accepted; later jobs are not changed."""
    tier = operation.parameters["tier"]
    selected = selection(change, tier=tier, domain=operation.parameters["domain"], created_until=operation.created_at)

    def step(session: Session, size: int) -> int:
        ids = waiting_ids(session, selected, limit=size)
        changed = apply(session, ids) if ids else 0
        if changed:
            action.add(session, changed, now=parts.clock.now())
        return changed

    def finish(done: int) -> Mapping[str, Any]:
        try:
            rebuild_tiers(parts, [tier] if tier else TIERS)
        except BrokerUnavailable:
            log.warning("messages follow once Redis answers", extra={"operation_id": operation.id})
            parts.broker.reconciliation.post()
        return {"changed": done}

    return Work(step, finish, max_step=CHUNK)


def _move_waiting(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    """Move the waiting jobs of a filter to an end of their tiers and keep their relative order.

    When moving to the front, the last jobs go first. A moved job lies outside the ends that its tier had when the
    operation was accepted, so a worker that continues the operation finds the remaining jobs.
    """
    about = operation.parameters
    tiers, next_ids = list(about["ends"]), last_waiting_ids if about["to"] == "front" else waiting_ids

    def step(session: Session, size: int) -> int:
        # The reconciler restores the order if the worker is killed before the end.
        parts.broker.marks.begin_change(tiers)
        for tier in tiers:
            while ids := next_ids(session, unmoved(about, tier, created_until=operation.created_at), limit=size):
                # Otherwise workers have taken all of them in the meantime.
                if moved := len(move_to_end(session, ids, to=about["to"])):
                    action.add(session, moved, now=parts.clock.now())
                    return moved
        return 0

    def finish(done: int) -> Mapping[str, Any]:
        rebuild_tiers(parts, tiers)
        return {"moved": done}

    return Work(step, finish, max_step=CHUNK)


def _untag_domains(_parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    step = removal(members_of(operation.target, operation.parameters), action)
    return Work(step, lambda done: {"removed_domains": done})


def _fill_batch(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    filling = Filling(parts, operation, action)
    return Work(filling.step, filling.finish, prepare=filling.prepare, after_step=filling.after_step)


WORK: Mapping[OperationKind, Callable[[QueueParts, Operation, LongAction], Work]] = {
    OperationKind.CANCEL_BATCH: _cancel_batch,
    OperationKind.PURGE_RUNS: _purge_runs,
    OperationKind.PURGE_TAG: _purge_tag,
    OperationKind.DELETE_PROFILE: _delete_profile,
    OperationKind.DELETE_DOMAIN: _delete_domain,
    OperationKind.PRUNE_DOMAINS: _prune_domains,
    OperationKind.CANCEL_JOBS: _cancel_jobs,
    OperationKind.REMOVE_WAITING: _remove_waiting,
    OperationKind.HOLD_WAITING: _hold_waiting,
    OperationKind.RELEASE_WAITING: _release_waiting,
    OperationKind.MOVE_WAITING: _move_waiting,
    OperationKind.UNTAG_DOMAINS: _untag_domains,
    OperationKind.FILL_BATCH: _fill_batch,
}
