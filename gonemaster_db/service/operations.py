"""Operations: creation, claim, progress and end. Each function is one conditional statement or a read."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, cast, delete, func, literal, or_, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import OperationClaimLost, OperationNotFound
from gonemaster_db.core.ids import new_operation_id
from gonemaster_db.core.records import Page
from gonemaster_db.models import AuditLine, Operation, OperationKind, OperationStatus

_FRESH = {"populate_existing": True, "synchronize_session": False}
_NO_SYNC = {"synchronize_session": False}
_UNFINISHED = (OperationStatus.QUEUED, OperationStatus.RUNNING)
# During a rolling upgrade, newer processes accept operations that this release cannot perform. They are left to the
# newer processes, and this release does not read them.
_KNOWN = Operation.kind.in_(list(OperationKind))


def create_operation(
    session: Session,
    kind: OperationKind,
    *,
    target: str,
    total: int,
    who: str,
    now: datetime,
    parameters: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Operation:
    """Queue an operation and its audit line, or return the unfinished operation with the same target and parameters.

    Two concurrent requests may queue two operations; the second one then has nothing to do.
    """
    same = select(Operation).where(
        Operation.status.in_(_UNFINISHED), Operation.kind == kind, Operation.target == target
    )
    for found in session.scalars(same.order_by(Operation.created_at)):
        if found.parameters == dict(parameters or {}):
            return found
    operation_id = new_operation_id()
    noted = dict(details or {}) | {"operation_id": operation_id}
    line = AuditLine(at=now, who=who, action=kind.value, target=target, count=0, details=noted)
    session.add(line)
    session.flush()
    operation = Operation(
        id=operation_id,
        kind=kind,
        target=target,
        parameters=dict(parameters or {}),
        total=total,
        who=who,
        audit_id=line.id,
        created_at=now,
    )
    session.add(operation)
    session.flush()
    return operation


def get_operation(session: Session, operation_id: str) -> Operation:
    """Read an operation. Raises OperationNotFound."""
    found = session.scalar(select(Operation).where(Operation.id == operation_id, _KNOWN))
    if found is None:
        raise OperationNotFound(operation_id)
    return found


def list_operations(
    session: Session,
    *,
    status: OperationStatus | None = None,
    kind: OperationKind | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Page[Operation]:
    """Return a page of operations, newest first."""
    criteria = ((Operation.status, status), (Operation.kind, kind))
    conditions = [_KNOWN, *(column == value for column, value in criteria if value is not None)]
    total = session.scalar(select(func.count()).select_from(Operation).where(*conditions)) or 0
    newest = select(Operation).where(*conditions).order_by(Operation.created_at.desc(), Operation.id.desc())
    return Page(session.scalars(newest.limit(limit).offset(offset)).all(), total, limit, offset)


def unfinished_operations(session: Session, *, limit: int) -> Sequence[Operation]:
    """Return the queued and running operations, oldest first."""
    unfinished = select(Operation).where(Operation.status.in_(_UNFINISHED), _KNOWN)
    return session.scalars(unfinished.order_by(Operation.created_at, Operation.id).limit(limit)).all()


def failed_operations(session: Session, *, since: datetime, limit: int) -> Sequence[Operation]:
    """Return the operations that failed since a time, newest first."""
    failed = select(Operation).where(_KNOWN, Operation.status == OperationStatus.FAILED, Operation.finished_at >= since)
    return session.scalars(failed.order_by(Operation.finished_at.desc(), Operation.id).limit(limit)).all()


def has_due_operation(session: Session, *, now: datetime) -> bool:
    """Return whether a worker could claim an operation."""
    return session.scalar(select(Operation.id).where(_is_due(now)).limit(1)) is not None


def claim_next_operation(session: Session, *, worker: str, now: datetime, lease: timedelta) -> Operation | None:
    """Claim the oldest operation that is queued or whose lease has expired; return None if there is none.

    Operations of kinds that only a newer release knows are left to its workers. `worker` must be unique for each claim:
    the later statements of the claim compare with it.
    """
    # SKIP LOCKED lets each worker take another operation instead of waiting for the same one. A scalar subquery is
    # evaluated once; under IN it could become the inner side of a nested loop, which locks another row each time.
    oldest = select(Operation.id).where(_is_due(now)).order_by(Operation.created_at).limit(1)
    chosen = oldest.with_for_update(skip_locked=True).scalar_subquery()
    claim = (
        update(Operation)
        .where(Operation.id == chosen, _is_due(now))
        .values(
            status=OperationStatus.RUNNING,
            worker=worker,
            lease_until=now + lease,
            attempts=Operation.attempts + 1,
            started_at=func.coalesce(Operation.started_at, now),
        )
        .returning(Operation)
    )
    claimed: Operation | None = session.scalar(claim, execution_options=_FRESH)
    return claimed


def add_progress(
    session: Session, operation_id: str, *, worker: str, count: int, now: datetime, lease: timedelta
) -> None:
    """Add to `done`, renew the lease and reset the number of starts, in the transaction of the change.

    Raises: OperationClaimLost: Another worker has claimed the operation; the transaction must be rolled back.
    """
    progress = {"done": Operation.done + count, "lease_until": now + lease, "attempts": 0}
    _change_claimed(session, operation_id, worker, progress)


def keep_operation(session: Session, operation_id: str, *, worker: str, now: datetime, lease: timedelta) -> None:
    """Renew the lease during work that has changed no row yet.

    Raises: OperationClaimLost: Another worker has claimed the operation.
    """
    _change_claimed(session, operation_id, worker, {"lease_until": now + lease})


def set_total(session: Session, operation_id: str, *, worker: str, total: int) -> None:
    """Store the number of rows to change, which was unknown at the start. Raises: OperationClaimLost."""
    _change_claimed(session, operation_id, worker, {"total": total})


def release_operation(session: Session, operation_id: str, *, worker: str) -> None:
    """Return an operation to the queue, where any worker continues it; this start does not count.

    Raises: OperationClaimLost: Another worker has claimed the operation.
    """
    before = case((Operation.attempts > 0, Operation.attempts - 1), else_=0)
    released = {"status": OperationStatus.QUEUED, "worker": None, "lease_until": None, "attempts": before}
    _change_claimed(session, operation_id, worker, released)


def fail_exhausted_operations(session: Session, *, now: datetime, max_attempts: int) -> list[str]:
    """Fail the operations whose workers died at `max_attempts` starts in a row without progress; return their IDs."""
    starts = cast(Operation.attempts, String)
    error = literal("abandoned: its worker died after each of ") + starts + literal(" starts without progress")
    ended = {"status": OperationStatus.FAILED, "error": error, "finished_at": now, "worker": None, "lease_until": None}
    failed = update(Operation).where(_is_abandoned(now), Operation.attempts >= max_attempts).values(ended)
    return list(session.scalars(failed.returning(Operation.id), execution_options=_NO_SYNC))


def finish_operation(
    session: Session, operation_id: str, *, worker: str, now: datetime, result: Any = None, error: str = ""
) -> None:
    """Finish an operation, as failed if there is an error. Raises OperationClaimLost."""
    status = OperationStatus.FAILED if error else OperationStatus.SUCCEEDED
    ended = {"status": status, "result": result, "error": error, "finished_at": now, "worker": None}
    _change_claimed(session, operation_id, worker, {**ended, "lease_until": None})


def purge_operations(session: Session, *, finished_before: datetime) -> int:
    """Remove finished operations; return their number."""
    deleted = delete(Operation).where(Operation.finished_at < finished_before).returning(Operation.id)
    return len(session.scalars(deleted, execution_options=_NO_SYNC).all())


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(_KNOWN, or_(Operation.status == OperationStatus.QUEUED, _is_abandoned(now)))


def _is_abandoned(now: datetime) -> ColumnElement[bool]:
    return and_(_KNOWN, Operation.status == OperationStatus.RUNNING, Operation.lease_until < now)


def _change_claimed(session: Session, operation_id: str, worker: str, values: Mapping[str, Any]) -> None:
    claimed = (Operation.id == operation_id, Operation.status == OperationStatus.RUNNING, Operation.worker == worker)
    changed = update(Operation).where(*claimed).values(dict(values)).returning(Operation.id)
    if session.execute(changed, execution_options=_NO_SYNC).first() is None:
        raise OperationClaimLost(operation_id)
