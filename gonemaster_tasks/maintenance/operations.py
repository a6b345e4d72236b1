"""Performs operations in short transactions, one worker each; what a dead worker began, another one continues."""

import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.clock import utcnow
from gonemaster_db.errors import OperationClaimLost, ProfileNotFound, StoreConflict, StoreUnavailable
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.purging import Step, purge_in_steps
from gonemaster_db.repositories.audit import LongAction
from gonemaster_db.repositories.deletion import TagPurge, purge_finished_before
from gonemaster_db.repositories.operations import (
    add_progress,
    claim_next_operation,
    fail_exhausted_operations,
    finish_operation,
    get_operation,
    has_due_operation,
    release_operation,
)
from gonemaster_db.repositories.profiles import clear_profile_in_runs, delete_profile
from gonemaster_db.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.batches import CHUNK, cancel_chunk, rebuild_batch_tier, stop_running
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.retention import count_purged

log = logging.getLogger(__name__)

_PROFILE_CHUNK = 1000  # runs of one transaction


@dataclass(frozen=True)
class Work:
    """How one kind of operation is performed.

    `step` changes up to so many rows and returns how many, 0 when none is left; it notes them in the audit itself.
    `finish` gets the number of all changed rows and returns the result; it may be repeated.
    """

    step: Step
    finish: Callable[[int], Any]
    max_step: int | None = None
    after_step: Callable[[int], None] | None = None


def call_for_due_operations(store: Store, broker: Broker, *, now: datetime) -> None:
    """Call a worker if an operation waits or was abandoned: its message may be lost, or its worker dead."""
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
    """Perform operations, oldest first, until none is due or `stopped`; returns the number of those claimed.

    One that ended its worker at `max_attempts` starts in a row without progress is not claimed again, but failed.
    """
    claimed = 0
    while not stopped():
        _fail_exhausted(parts.store, now(), max_attempts)
        # Of this claim, not of the worker: one that lost its lease and claims again must not pass for its former self.
        holder = f"{worker[:200]}/{secrets.token_hex(8)}"
        operation = _claim(parts.store, holder, now(), lease)
        if operation is None:
            break
        claimed += 1
        try:
            _Performance(parts, operation, holder, now, lease, stopped).run()
        except (StoreUnavailable, StoreConflict) as error:
            log.warning("operation interrupted, it is continued later", extra=_about(operation, error))
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
        log.error("operation failed: its worker ended at each start", extra={"operation_id": operation_id})


def _release(store: Store, operation: Operation, holder: str) -> None:
    """Give the claim back, so that what the database refused for the moment does not count as a start."""
    with suppress(StoreUnavailable, StoreConflict, OperationClaimLost):  # else the lease expires
        store.run_in_transaction(lambda session: release_operation(session, operation.id, worker=holder))


def _fail(store: Store, operation: Operation, holder: str, now: datetime, error: Exception) -> None:
    text = f"{type(error).__name__}: {error}"[:1000]
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
        """Perform the operation to its end, or release it when the worker stops."""
        store, operation = self.parts.store, self.operation
        work = _WORK[operation.kind](self.parts, operation, _action_of(operation))
        for count in purge_in_steps(store, self._fenced(work.step), stopped=self.stopped, max_step=work.max_step):
            if work.after_step is not None:
                work.after_step(count)
        if self.stopped():
            _release(store, operation, self.holder)
            return
        with store.read_only() as session:
            done = get_operation(session, operation.id).done  # with what earlier claims have done
        result = work.finish(done)
        store.run_in_transaction(
            lambda session: finish_operation(session, operation.id, worker=self.holder, now=self.now(), result=result)
        )
        log.info("operation finished", extra=_about(operation) | {"done": done})

    def _fenced(self, step: Step) -> Step:
        """Add progress in the transaction of each step: who has lost the claim rolls back what it did."""

        def fenced(session: Session, size: int) -> int:
            changed = step(session, size)
            if changed:
                add_progress(
                    session, self.operation.id, worker=self.holder, count=changed, now=self.now(), lease=self.lease
                )
            return changed

        return fenced


def _action_of(operation: Operation) -> LongAction:
    """Continue the line of the audit that was written when the operation was accepted."""
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
            log.warning("messages not removed, their claims will drop them", extra=_about(operation))
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
        if removed:
            action.add(session, removed, now=utcnow())
        return removed

    return Work(step, finish, after_step=lambda removed: count_purged(parts.broker, removed))


def _delete_profile(parts: QueueParts, operation: Operation, action: LongAction) -> Work:
    profile_id = int(operation.target)

    def clear(session: Session, size: int) -> int:
        return clear_profile_in_runs(session, profile_id, limit=size)

    def delete(session: Session) -> None:
        delete_profile(session, profile_id)
        action.add(session, 1, now=utcnow())

    def finish(_done: int) -> None:
        with suppress(ProfileNotFound):  # deleted by the worker that was killed before it could report the end
            parts.store.run_in_transaction(delete)

    return Work(clear, finish, max_step=_PROFILE_CHUNK)


_WORK: Mapping[OperationKind, Callable[[QueueParts, Operation, LongAction], Work]] = {
    OperationKind.CANCEL_BATCH: _cancel_batch,
    OperationKind.PURGE_RUNS: _purge_runs,
    OperationKind.PURGE_TAG: _purge_tag,
    OperationKind.DELETE_PROFILE: _delete_profile,
}
