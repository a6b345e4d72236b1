"""Performs operations in short transactions, one worker each; another worker continues if that worker dies."""

import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.batches.deletion import TagPurge, purge_domain, purge_finished_before
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import (
    DomainNotFound,
    OperationClaimLost,
    ProfileNotFound,
    StoreConflict,
    StoreUnavailable,
)
from gonemaster_db.core.purging import Step, purge_in_steps
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domain_removal import prune_domains, remove_domain
from gonemaster_db.domains.profiles import clear_profile_in_runs, delete_profile
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.queue.queue import move_to_end
from gonemaster_db.queue.waiting_jobs import last_waiting_ids, switch_waiting_jobs, waiting_ids
from gonemaster_db.runs.graduation import cancel_waiting_jobs
from gonemaster_db.service.audit import LongAction
from gonemaster_db.service.operations import (
    add_progress,
    claim_next_operation,
    fail_exhausted_operations,
    finish_operation,
    get_operation,
    has_due_operation,
    release_operation,
)
from gonemaster_engine.texts import joined, text_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.batches import CHUNK, cancel_chunk, rebuild_batch_tier, stop_running
from gonemaster_tasks.control.matching import cancel_matching_chunk, filter_of, rebuild_tiers, stop_matching
from gonemaster_tasks.control.order import REMOVED
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.selection import Change, selection, unmoved
from gonemaster_tasks.control.tag_members import filter_of as members_of
from gonemaster_tasks.control.tag_members import removal
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.retention import count_purged
from gonemaster_tasks.queues import TIERS

_MAX_ERROR = 1000  # characters

log = logging.getLogger(__name__)

PROFILE_CHUNK = 1000  # runs per transaction


@dataclass(frozen=True)
class Work:
    """The implementation of one kind of operation.

    `step` changes up to the given number of rows and returns the number changed, 0 when none is left; it updates the
    audit log itself. `finish` gets the total of changed rows and returns the result; it is idempotent.
    """

    step: Step
    finish: Callable[[int], Any]
    max_step: int | None = None


def notify_due_operations(store: Store, broker: Broker, *, now: datetime) -> None:
    """Notify a worker if an operation is waiting or abandoned: its message may be lost, or its worker dead."""
    with store.read_only() as session:
        due = has_due_operation(session, now=now)
    if due:
        broker.lists.call_operate()


def perform_due_operations(
    parts: QueueParts,
    *,
    worker: str,
    now: Callable[[], datetime],
    lease: timedelta,
    max_attempts: int = 3,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Perform operations, oldest first, until none is due or `stopped`; return the number of claims.

    An operation whose worker died at `max_attempts` consecutive starts without progress fails instead of being claimed.
    """
    claimed = 0
    while not stopped():
        _fail_exhausted(parts.store, now(), max_attempts)
        # The holder is unique per claim: a worker that lost its lease and claims again is a new holder.
        holder = f"{worker[:200]}/{secrets.token_hex(8)}"
        operation = _claim(parts.store, holder, now(), lease)
        if operation is None:
            break
        claimed += 1
        try:
            _Performance(parts, operation, holder, now, lease, stopped).run()
        except (StoreUnavailable, StoreConflict, BrokerUnavailable) as error:
            log.warning("operation interrupted, will continue later", extra=_about(operation, error))
            _release(parts.store, operation, holder)
            break
        except OperationClaimLost:
            log.warning("operation is continued by another worker", extra=_about(operation))
        except Exception as error:
            log.exception("operation failed", extra=_about(operation))
            _fail(parts.store, operation, holder, now(), error)
    return claimed


def _claim(store: Store, holder: str, now: datetime, lease: timedelta) -> Operation | None:
    return store.run_in_transaction(lambda session: claim_next_operation(session, worker=holder, now=now, lease=lease))


def _fail_exhausted(store: Store, now: datetime, max_attempts: int) -> None:
    failed = store.run_in_transaction(
        lambda session: fail_exhausted_operations(session, now=now, max_attempts=max_attempts)
    )
    for operation_id in failed:
        log.error("operation failed: its worker died at every attempt", extra={"operation_id": operation_id})


def _release(store: Store, operation: Operation, holder: str) -> None:
    """Release the claim, so that a temporary failure of the database does not count as a start."""
    with suppress(StoreUnavailable, StoreConflict, OperationClaimLost):  # Otherwise the lease expires.
        store.run_in_transaction(lambda session: release_operation(session, operation.id, worker=holder))


def _fail(store: Store, operation: Operation, holder: str, now: datetime, error: Exception) -> None:
    text: str = joined(": ", (type(error).__name__, text_of(error)))
    text = text if len(text) <= _MAX_ERROR else text[:_MAX_ERROR]
    with suppress(OperationClaimLost):
        store.run_in_transaction(
            lambda session: finish_operation(session, operation.id, worker=holder, now=now, error=text)
        )


def _about(operation: Operation, error: Exception | None = None) -> dict[str, Any]:
    about = {"operation_id": operation.id, "kind": operation.kind.value, "target": operation.target}
    return about if error is None else about | {"error": str(error)}


@dataclass(frozen=True)
class _Performance:
    """One claim of an operation."""

    parts: QueueParts
    operation: Operation
    holder: str
    now: Callable[[], datetime]
    lease: timedelta
    stopped: Callable[[], bool]

    def run(self) -> None:
        """Perform the operation completely, or release it when the worker stops."""
        store, operation = self.parts.store, self.operation
        work = _WORK[operation.kind](self.parts, operation, _action_of(operation))
        for _ in purge_in_steps(store, self._fenced(work.step), stopped=self.stopped, max_step=work.max_step):
            pass  # Each step records its own progress.
        if self.stopped():
            _release(store, operation, self.holder)
            return
        with store.read_only() as session:
            done = get_operation(session, operation.id).done  # Includes the rows of earlier claims.
        result = work.finish(done)
        store.run_in_transaction(
            lambda session: finish_operation(session, operation.id, worker=self.holder, now=self.now(), result=result)
        )
        log.info("operation finished", extra=_about(operation) | {"done": done})

    def _fenced(self, step: Step) -> Step:
        """Record progress in the transaction of each step: a worker that lost the claim rolls its changes back."""

        def fenced(session: Session, size: int) -> int:
            changed = step(session, size)
            if changed:
                add_progress(
                    session, self.operation.id, worker=self.holder, count=changed, now=self.now(), lease=self.lease
                )
            return changed

        return fenced


def _action_of(operation: Operation) -> LongAction:
    """Continue the audit record that was written when the operation was accepted."""
    details = {"operation_id": operation.id}
    return LongAction(
        operation.kind.value, who=operation.who, target=operation.target, details=details, line_id=operation.audit_id
    )


def _cancel_batch(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    batch_id = operation.target

    def step(session: Session, size: int) -> int:
        return len(cancel_chunk(session, batch_id, size=size, action=action, now=parts.clock.now()))

    def finish(done: int) -> Mapping[str, Any]:
        stopping = stop_running(parts, batch_id, action)
        try:
            rebuild_batch_tier(parts)
        except BrokerUnavailable:
            log.warning("messages not removed, dropped when claimed", extra=_about(operation))
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
            log.warning("messages not removed, dropped when claimed", extra=_about(operation))
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
            log.warning("messages follow once Redis answers", extra=_about(operation))
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


_WORK: Mapping[OperationKind, Callable[[QueueParts, Operation, LongAction], Work]] = {
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
}
