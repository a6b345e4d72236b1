"""Operations: one claim at a time, progress only by its holder, and their end."""

from datetime import timedelta

import pytest
from sqlalchemy import bindparam, text

from gonemaster_db.core.errors import OperationClaimLost, OperationNotFound
from gonemaster_db.core.session import Store
from gonemaster_db.models import Operation, OperationKind, OperationStatus
from gonemaster_db.service import operations
from gonemaster_db.service.audit import list_actions
from tests.support.rows import LEASE, NOON
from tests.support.threads import together

LATER = NOON + 2 * LEASE


def queue_operation(store: Store, target: str = "batch_1", **more: int) -> Operation:
    with store.transaction() as session:
        return operations.create_operation(
            session, OperationKind.CANCEL_BATCH, target=target, total=5, who="ops", now=NOON, parameters=more
        )


def claim_next(store: Store, worker: str, *, now: timedelta = timedelta()) -> Operation | None:
    return store.run_in_transaction(
        lambda session: operations.claim_next_operation(session, worker=worker, now=NOON + now, lease=LEASE)
    )


def test_an_operation_has_an_audit_line(store: Store) -> None:
    made = queue_operation(store)
    assert (made.status, made.done, made.total) == (OperationStatus.QUEUED, 0, 5)
    with store.read_only() as session:
        (line,) = list_actions(session).items
        assert (line.id, line.action, line.target, line.count) == (made.audit_id, "batch.cancel", "batch_1", 0)
        assert line.details == {"operation_id": made.id}
        with pytest.raises(OperationNotFound):
            operations.get_operation(session, "op_none")


def test_an_unfinished_operation_is_not_queued_twice(store: Store) -> None:
    first = queue_operation(store)
    assert queue_operation(store).id == first.id
    assert len({first.id, queue_operation(store, "batch_2").id, queue_operation(store, older_than_days=3).id}) == 3
    with store.read_only() as session:
        assert operations.list_operations(session, limit=2).total == 3
        assert operations.list_operations(session, status=OperationStatus.RUNNING).total == 0


def test_one_of_many_workers_claims_an_operation(store: Store) -> None:
    made = queue_operation(store)
    claims = together(*[lambda number=number: claim_next(store, f"w{number}") for number in range(4)])
    assert [claim.id for claim in claims if isinstance(claim, Operation)] == [made.id]
    with store.read_only() as session:
        assert not operations.has_due_operation(session, now=NOON)
        assert operations.has_due_operation(session, now=LATER)


def test_a_lost_claim_cannot_add_progress_or_finish(store: Store) -> None:
    made = queue_operation(store)
    assert claim_next(store, "dead")
    with store.transaction() as session:
        operations.add_progress(session, made.id, worker="dead", count=2, now=NOON, lease=LEASE)
    assert claim_next(store, "next") is None
    taken = claim_next(store, "next", now=2 * LEASE)
    assert taken is not None
    assert (taken.id, taken.done, taken.started_at) == (made.id, 2, NOON)
    with pytest.raises(OperationClaimLost), store.transaction() as session:
        operations.add_progress(session, made.id, worker="dead", count=2, now=LATER, lease=LEASE)
    with pytest.raises(OperationClaimLost), store.transaction() as session:
        operations.finish_operation(session, made.id, worker="dead", now=LATER)
    with store.transaction() as session:
        operations.finish_operation(session, made.id, worker="next", now=LATER, result={"canceled": 5})
    with store.read_only() as session:
        ended = operations.get_operation(session, made.id)
        assert (ended.status, ended.done, ended.result) == (OperationStatus.SUCCEEDED, 2, {"canceled": 5})
    assert claim_next(store, "next", now=9 * LEASE) is None


def test_a_released_operation_is_due_immediately(store: Store) -> None:
    made = queue_operation(store)
    claim_next(store, "one")
    with store.transaction() as session:
        operations.release_operation(session, made.id, worker="one")
    again = claim_next(store, "two")
    assert again is not None
    assert again.id == made.id


def test_starts_without_progress_are_counted_and_released_ones_are_not(store: Store) -> None:
    made = queue_operation(store)

    def attempts() -> int:
        with store.read_only() as session:
            return operations.get_operation(session, made.id).attempts

    claim_next(store, "one")
    claim_next(store, "two", now=2 * LEASE)
    assert attempts() == 2
    with store.transaction() as session:
        operations.release_operation(session, made.id, worker="two")
    assert attempts() == 1
    claim_next(store, "three", now=2 * LEASE)
    with store.transaction() as session:
        operations.add_progress(session, made.id, worker="three", count=1, now=LATER, lease=LEASE)
        operations.release_operation(session, made.id, worker="three")
    assert attempts() == 0


def test_an_operation_fails_after_too_many_dead_workers(store: Store) -> None:
    made = queue_operation(store)
    for number in range(3):
        with store.transaction() as session:
            at = NOON + 2 * number * LEASE
            assert operations.fail_exhausted_operations(session, now=at, max_attempts=3) == []
        claimed = claim_next(store, f"w{number}", now=2 * number * LEASE)
        assert claimed is not None
        assert claimed.id == made.id
    queue_operation(store, "batch_2")
    with store.transaction() as session:
        assert operations.fail_exhausted_operations(session, now=NOON + 4 * LEASE, max_attempts=3) == []
        assert operations.fail_exhausted_operations(session, now=NOON + 6 * LEASE, max_attempts=3) == [made.id]
    with store.read_only() as session:
        ended = operations.get_operation(session, made.id)
        assert (ended.status, ended.finished_at) == (OperationStatus.FAILED, NOON + 6 * LEASE)
        assert ended.error == "abandoned: its worker died after each of 3 starts without progress"
        assert [left.target for left in operations.unfinished_operations(session, limit=9)] == ["batch_2"]
        assert [failed.id for failed in operations.failed_operations(session, since=LATER, limit=9)] == [made.id]
        assert not operations.failed_operations(session, since=NOON + 7 * LEASE, limit=9)


def test_finished_operations_are_purged_by_age(store: Store) -> None:
    queue_operation(store, "waits")
    claimed = claim_next(store, "one")
    assert claimed is not None
    with store.transaction() as session:
        operations.finish_operation(session, claimed.id, worker="one", now=NOON, error="broken")
    queue_operation(store, "waits as well")
    for before, number in ((NOON, 0), (LATER, 1)):
        with store.transaction() as session:
            assert operations.purge_operations(session, finished_before=before) == number
    with store.read_only() as session:
        assert [left.target for left in operations.list_operations(session).items] == ["waits as well"]


def test_operations_of_a_newer_release_are_ignored(store: Store) -> None:
    newer = queue_operation(store, "newer")
    with store.transaction() as session:  # without the model, which knows only the kinds of this release
        session.execute(text("UPDATE operations SET kind = 'queue.shuffle' WHERE id = :id"), {"id": newer.id})
    made = queue_operation(store)
    for worker, claimed in (("w1", made.id), ("w2", None)):
        found = claim_next(store, worker)
        assert (found.id if found else None) == claimed
    with store.transaction() as session:
        assert not operations.has_due_operation(session, now=NOON)
        assert [one.id for one in operations.unfinished_operations(session, limit=5)] == [made.id]
        assert [one.id for one in operations.list_operations(session).items] == [made.id]
        with pytest.raises(OperationNotFound):
            operations.get_operation(session, newer.id)
        started = text("UPDATE operations SET status = 'running', attempts = 9, lease_until = :noon WHERE id = :id")
        started = started.bindparams(bindparam("noon", NOON, type_=Operation.lease_until.type))
        session.execute(started, {"id": newer.id})
    with store.transaction() as session:
        assert operations.fail_exhausted_operations(session, now=LATER, max_attempts=3) == []
    assert claim_next(store, "w3", now=LEASE / 2) is None
    with store.read_only() as session:
        row = session.execute(text("SELECT status, attempts FROM operations WHERE id = :id"), {"id": newer.id}).one()
        assert tuple(row) == ("running", 9)  # left to the newer workers
