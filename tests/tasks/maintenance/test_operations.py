"""Operations through the task that performs them, and through workers that are killed."""

import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from gonemaster_db.batches.batches import count_statuses
from gonemaster_db.batches.deletion import TagPurge
from gonemaster_db.core import purging
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import ProfileNotFound, StoreUnavailable
from gonemaster_db.core.filters import RunFilter
from gonemaster_db.core.session import Store
from gonemaster_db.domains.profiles import create_profile, get_profile
from gonemaster_db.models import Job, Operation, OperationKind
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_db.queue.queue import End
from gonemaster_db.runs.runs import get_run, list_runs
from gonemaster_db.service.audit import list_actions
from gonemaster_db.service.metrics.counting import PURGED, Count, read_counts
from gonemaster_db.service.operations import claim_next_operation, get_operation
from gonemaster_tasks.control.operations import start_operation
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.selection import parameters_of_move
from gonemaster_tasks.maintenance.changes import kinds as maintenance
from gonemaster_tasks.maintenance.operations import perform_due_operations
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.queues import BATCH, MAINTENANCE
from tests.support.rows import make_run, record
from tests.support.workers import Farm, wait_until
from tests.tasks.rows import queue_batch, start, status

LEASE = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Process two rows at a time, so that few rows take several transactions."""
    monkeypatch.setattr(purging, "MAX_STEP", 2)
    monkeypatch.setattr(maintenance, "CHUNK", 2)
    monkeypatch.setattr(maintenance, "PROFILE_CHUNK", 2)


def perform(parts: QueueParts, *, stopped: Callable[[], bool] = lambda: False) -> int:
    return perform_due_operations(parts, worker="w", now=utcnow, lease=LEASE, stopped=stopped)


def read(store: Store, operation: Operation) -> Operation:
    with store.read_only() as session:
        return get_operation(session, operation.id)


def outcome(store: Store, operation: Operation) -> tuple[str, int, Any]:
    found = read(store, operation)
    return found.status.value, found.done, found.result


def counted(store: Store, action: str) -> list[tuple[str, int]]:
    with store.read_only() as session:
        return [(line.who, line.count) for line in list_actions(session, action=action).items]


def batch_of(store: Store, job_id: str) -> str:
    with store.read_only() as session:
        batch_id = find_job_or_run(session, job_id).batch_id
    assert batch_id
    return batch_id


def test_a_batch_is_canceled_in_steps(parts: QueueParts) -> None:
    ids = queue_batch(parts, 7)
    start(parts, ids[0])
    other = queue_batch(parts, 1)
    batch_id = batch_of(parts.store, ids[0])
    operation = start_operation(parts, OperationKind.CANCEL_BATCH, target=batch_id, total=6, who="ops")
    assert parts.broker.lists.depth(MAINTENANCE) == 1
    assert perform(parts) == 1
    result = {"batch_id": batch_id, "canceled": 6, "stopping": 1}
    assert outcome(parts.store, operation) == ("succeeded", 6, result)
    assert list(parts.broker.lists.waiting_ids(BATCH)) == other
    assert (status(parts, ids[0]), status(parts, ids[6])) == ("running", "canceled")
    assert counted(parts.store, "batch.cancel") == [("ops", 7)]


def test_old_runs_are_purged_in_steps(parts: QueueParts) -> None:
    for number in range(5):
        make_run(parts.store, f"d{number}.example", record(at=utcnow() - timedelta(days=40)))
    young = make_run(parts.store, "young.example", record(at=utcnow()))
    about = {"older_than_days": 30}
    kind = OperationKind.PURGE_RUNS
    operation = start_operation(parts, kind, target="", total=5, who="ops", parameters=about, details=about)
    perform(parts)
    assert outcome(parts.store, operation) == ("succeeded", 5, {"purged_jobs": 5})
    with parts.store.read_only() as session:
        assert [run.id for run in list_runs(session, RunFilter()).items] == [young.id]
        assert read_counts(session)[Count(PURGED)] == 5
    assert counted(parts.store, "jobs.purge") == [("ops", 5)]


def test_a_profile_leaves_its_runs_in_steps_and_goes(parts: QueueParts) -> None:
    with parts.store.transaction() as session:
        profile_id = create_profile(session, "p", config={}, schema_version="1", now=utcnow()).id
    runs = [make_run(parts.store, f"d{number}.example", profile_id=profile_id, profile_name="p") for number in range(5)]
    operation = start_operation(parts, OperationKind.DELETE_PROFILE, target=str(profile_id), total=5, who="ops")
    perform(parts)
    assert outcome(parts.store, operation) == ("succeeded", 5, None)
    with parts.store.read_only() as session:
        with pytest.raises(ProfileNotFound):
            get_profile(session, profile_id)
        left = [get_run(session, run.id) for run in runs]
        assert {(run.profile_id, run.profile_name) for run in left} == {(None, "p")}
    assert counted(parts.store, "profile.delete") == [("ops", 1)]


@pytest.mark.parametrize("to", ["front", "back"])
def test_a_move_is_continued_where_a_worker_stopped(parts: QueueParts, to: End) -> None:
    ids = queue_batch(parts, 9)
    with parts.store.transaction() as session:
        session.execute(update(Job).where(Job.id.in_(ids[2:7])).values(domain="moves.example"))
    with parts.store.read_only() as session:
        about = parameters_of_move(session, tier="batch", domain="moves", to=to)
    kind = OperationKind.MOVE_WAITING
    operation = start_operation(parts, kind, target="batch", total=5, who="ops", parameters=about)
    perform(parts, stopped=lambda: read(parts.store, operation).done > 0)
    assert (read(parts.store, operation).status.value, read(parts.store, operation).done) == ("queued", 2)
    assert parts.broker.marks.changing() == ["batch"]
    perform(parts)
    assert outcome(parts.store, operation) == ("succeeded", 5, {"moved": 5})
    stay = ids[:2] + ids[7:]
    expected = [*ids[2:7], *stay] if to == "front" else [*stay, *ids[2:7]]
    assert list(parts.broker.lists.waiting_ids(BATCH)) == expected
    assert parts.broker.marks.changing() == []
    assert counted(parts.store, "queue.move") == [("ops", 5)]


def test_a_worker_that_stops_leaves_the_rest_to_the_next(parts: QueueParts) -> None:
    ids = queue_batch(parts, 6)
    operation = start_operation(
        parts, OperationKind.CANCEL_BATCH, target=batch_of(parts.store, ids[0]), total=6, who="ops"
    )
    perform(parts, stopped=lambda: read(parts.store, operation).done > 0)
    assert outcome(parts.store, operation) == ("queued", 2, None)
    perform(parts)
    assert outcome(parts.store, operation)[:2] == ("succeeded", 6)
    assert counted(parts.store, "batch.cancel") == [("ops", 6)]


def test_a_failure_is_reported_and_an_absent_database_is_waited_for(
    parts: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = start_operation(parts, OperationKind.PURGE_TAG, target="t", total=1, who="ops")

    def raise_(error: Exception) -> None:
        raise error

    monkeypatch.setattr(TagPurge, "__call__", lambda *_: raise_(StoreUnavailable("restarting")))
    assert perform(parts) == 1
    found = read(parts.store, operation)
    assert (found.status.value, found.attempts) == ("queued", 0)  # requeued, and this start does not count
    monkeypatch.setattr(TagPurge, "__call__", lambda *_: raise_(ValueError("broken")))
    perform(parts)
    assert outcome(parts.store, operation)[0] == "failed"
    assert read(parts.store, operation).error == "ValueError: broken"


def test_an_operation_that_kills_its_worker_fails_and_the_next_one_runs(parts: QueueParts) -> None:
    deadly = start_operation(parts, OperationKind.PURGE_TAG, target="t", total=1, who="ops")
    harmless = start_operation(parts, OperationKind.PURGE_TAG, target="u", total=0, who="ops")
    for number in range(3):
        dead_at = utcnow() - (9 - 2 * number) * LEASE
        with parts.store.transaction() as session:
            claimed = claim_next_operation(session, worker=f"dead{number}", now=dead_at, lease=LEASE)
        assert claimed is not None
        assert claimed.id == deadly.id
    assert perform(parts) == 1
    assert outcome(parts.store, harmless)[0] == "succeeded"
    assert read(parts.store, deadly).error == "abandoned: its worker died after each of 3 starts without progress"


def test_an_operation_that_only_a_newer_release_knows_stays_for_its_workers(parts: QueueParts) -> None:
    newer = start_operation(parts, OperationKind.PURGE_TAG, target="t", total=0, who="ops")
    with parts.store.transaction() as session:
        session.execute(text("UPDATE operations SET kind = 'queue.shuffle' WHERE id = :id"), {"id": newer.id})
    known = start_operation(parts, OperationKind.PURGE_TAG, target="t", total=0, who="ops")
    assert perform(parts) == 1
    assert outcome(parts.store, known)[0] == "succeeded"
    with parts.store.read_only() as session:
        columns = text("SELECT status, attempts, error FROM operations WHERE id = :id")
        row = session.execute(columns, {"id": newer.id}).one()
    assert tuple(row) == ("queued", 0, "")


def test_the_reconciler_calls_a_worker_once_while_an_operation_is_due(parts: QueueParts) -> None:
    start_operation(parts, OperationKind.PURGE_TAG, target="t", total=1, who="ops")
    parts.broker.lists.depth(MAINTENANCE)
    for _ in range(2):
        reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
        assert parts.broker.lists.depth(MAINTENANCE) == 1


def test_an_operation_outlives_the_worker_that_is_killed(farm: Farm) -> None:
    batch = farm.submit_batch([f"d{number}.test" for number in range(6_000)]).batch
    operation = start_operation(farm.parts, OperationKind.CANCEL_BATCH, target=batch.id, total=6_000, who="ops")
    farm.start_worker("one", "--queues", "maintenance", ready=False)
    wait_until(lambda: read(farm.store, operation).done > 0, what="the first step")
    farm.stop("one", signal.SIGKILL)
    killed_at = read(farm.store, operation)
    assert (killed_at.status.value, 0 < killed_at.done < 6_000) == ("running", True)
    farm.start_worker("two", "--queues", "maintenance", ready=False)
    wait_until(lambda: read(farm.store, operation).finished_at, within_s=200, what="the end of the operation")
    result = {"batch_id": batch.id, "canceled": 6_000, "stopping": 0}
    assert outcome(farm.store, operation) == ("succeeded", 6_000, result)
    with farm.store.read_only() as session:
        assert count_statuses(session, batch.id)["canceled"] == 6_000
    assert counted(farm.store, "batch.cancel") == [("ops", 6_000)]
    assert farm.broker.lists.depth(BATCH) == 0
