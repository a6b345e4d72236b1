"""Statistics of batches through the task that builds them, one worker at a time."""

import pytest

from gonemaster_db.batches import batch_statistics
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import BatchStatistics, TagValueTable
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.statistics import make_due_statistics
from tests.support.rows import entries_of, make_run, record


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_statistics, "MIN_RUNS", 1)
    monkeypatch.setattr(batch_statistics, "SLICE", 2)


def make_batch_of_runs(store: Store, runs: int = 3) -> int:
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(domain_count=runs))
    for number in range(runs):
        make_run(
            store,
            f"d{number}.example",
            record(entries=entries_of("NOTICE", args={"ns": "a.example"})),
            batch_id=batch.id,
        )
    return batch.key


def has_statistics(store: Store, batch_key: int) -> bool:
    with store.read_only() as session:
        return session.get(BatchStatistics, batch_key) is not None


def make(parts: QueueParts, *, stopped: bool = False) -> int:
    return make_due_statistics(parts.store, parts.broker, now=utcnow, stopped=lambda: stopped)


def test_due_batches_get_tables_once(parts: QueueParts) -> None:
    keys = [make_batch_of_runs(parts.store) for _ in range(2)]
    assert make(parts) == 2
    assert all(has_statistics(parts.store, key) for key in keys)
    assert make(parts) == 0
    with parts.store.read_only() as session:
        assert session.query(TagValueTable).count()


def test_one_worker_at_a_time(parts: QueueParts) -> None:
    make_batch_of_runs(parts.store)
    with parts.broker.locks.exclusive("statistics"):
        assert make(parts) == 0
    assert make(parts) == 1


def test_a_worker_that_stops_stores_nothing(parts: QueueParts) -> None:
    key = make_batch_of_runs(parts.store)
    assert make(parts, stopped=True) == 0
    assert not has_statistics(parts.store, key)
