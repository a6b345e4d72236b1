"""Performs operations in short transactions, one worker each; another worker continues if that worker dies."""

import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import (
    OperationClaimLost,
    StoreConflict,
    StoreUnavailable,
)
from gonemaster_db.core.purging import Step, purge_in_steps
from gonemaster_db.core.session import Store
from gonemaster_db.models import Operation
from gonemaster_db.service.audit import LongAction
from gonemaster_db.service.operations import (
    add_progress,
    claim_next_operation,
    fail_exhausted_operations,
    finish_operation,
    get_operation,
    has_due_operation,
    keep_operation,
    release_operation,
    set_total,
)
from gonemaster_engine.texts import joined, text_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.sweeps.filling import abandon_filling
from gonemaster_tasks.errors import BrokerUnavailable, SourceInvalid
from gonemaster_tasks.maintenance.changes.kinds import WORK

_MAX_ERROR = 1000  # characters

log = logging.getLogger(__name__)


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
        _fail_exhausted(parts, now(), max_attempts)
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
        except SourceInvalid as error:
            log.warning("operation refused its input", extra=_about(operation, error))
            _fail(parts, operation, holder, now(), error)
        except Exception as error:
            log.exception("operation failed", extra=_about(operation))
            _fail(parts, operation, holder, now(), error)
    return claimed


def _claim(store: Store, holder: str, now: datetime, lease: timedelta) -> Operation | None:
    return store.run_in_transaction(lambda session: claim_next_operation(session, worker=holder, now=now, lease=lease))


def _fail_exhausted(parts: QueueParts, now: datetime, max_attempts: int) -> None:
    failed = parts.store.run_in_transaction(
        lambda session: fail_exhausted_operations(session, now=now, max_attempts=max_attempts)
    )
    for operation_id in failed:
        log.error("operation failed: its worker died at every attempt", extra={"operation_id": operation_id})
        abandon_filling(parts, operation_id)


def _release(store: Store, operation: Operation, holder: str) -> None:
    """Release the claim, so that a temporary failure of the database does not count as a start."""
    with suppress(StoreUnavailable, StoreConflict, OperationClaimLost):  # Otherwise the lease expires.
        store.run_in_transaction(lambda session: release_operation(session, operation.id, worker=holder))


def _fail(parts: QueueParts, operation: Operation, holder: str, now: datetime, error: Exception) -> None:
    is_refusal = isinstance(error, SourceInvalid)
    text: str = text_of(error) if is_refusal else joined(": ", (type(error).__name__, text_of(error)))
    text = text if len(text) <= _MAX_ERROR else text[:_MAX_ERROR]
    result = error.details if isinstance(error, SourceInvalid) else None
    with suppress(OperationClaimLost):
        abandon_filling(parts, operation.id)  # First: a worker that is killed in between leaves a claim that expires.
        parts.store.run_in_transaction(
            lambda session: finish_operation(session, operation.id, worker=holder, now=now, error=text, result=result)
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
    _renewed_at: list[datetime] = field(default_factory=lambda: [datetime.min.replace(tzinfo=UTC)])

    def run(self) -> None:
        """Perform the operation completely, or release it when the worker stops."""
        store, operation = self.parts.store, self.operation
        work = WORK[operation.kind](self.parts, operation, _action_of(operation))
        is_ready = work.prepare is None or work.prepare(self._keep_going, self._store_total)
        if is_ready:
            for _ in purge_in_steps(store, self._fenced(work.step), stopped=self.stopped, max_step=work.max_step):
                work.after_step()  # Each step records its own progress.
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

    def _keep_going(self) -> bool:
        """Renew the lease during work that has changed no row yet; return False when the worker stops."""
        now = self.now()
        if now >= self._renewed_at[0] + self.lease / 3:
            self.parts.store.run_in_transaction(
                lambda session: keep_operation(
                    session, self.operation.id, worker=self.holder, now=now, lease=self.lease
                )
            )
            self._renewed_at[0] = now
        return not self.stopped()

    def _store_total(self, session: Session, total: int) -> None:
        set_total(session, self.operation.id, worker=self.holder, total=total)

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
