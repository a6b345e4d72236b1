"""Counters of runs equal a count of the runs after every kind of change."""

from collections import Counter
from datetime import timedelta

from gonemaster_db.batches.batches import create_batch, find_batch_key
from gonemaster_db.batches.deletion import delete_batch, purge_finished_before
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from gonemaster_db.runs.counters import read_counts
from gonemaster_db.runs.graduation import cancel_waiting_jobs
from gonemaster_db.runs.runs import set_score
from tests.support.consistency import faults
from tests.support.rows import NOON, make_run, queue_job, queue_jobs, record

LATER = NOON + timedelta(hours=1)


def make_batch(store: Store) -> str:
    with store.transaction() as session:
        return create_batch(session, NewBatch(domain_count=0), now=NOON).id


def counted(store: Store, batch_id: str | None = None) -> Counter[tuple[str, str | None, str | None]]:
    with store.read_only() as session:
        key = None if batch_id is None else find_batch_key(session, batch_id)
        groups = read_counts(session, key)
    return Counter({(group.status.value, group.level, group.grade): number for group, number in groups.items()})


def test_each_end_of_a_job_counts_once(store: Store) -> None:
    batch_id = make_batch(store)
    make_run(store, "a.example", record("ERROR", score=40, grade="D"), batch_id=batch_id)
    make_run(store, "b.example", record("ERROR", score=45, grade="D"))
    make_run(store, "c.example", record(status=RunStatus.FAILED), batch_id=batch_id)
    canceled = queue_jobs(store, ["d.example", "e.example"], batch_id=batch_id)
    with store.transaction() as session:
        cancel_waiting_jobs(session, canceled, now=LATER)
    of_batch = Counter({("succeeded", "ERROR", "D"): 1, ("failed", None, None): 1, ("canceled", None, None): 2})
    assert counted(store, batch_id) == of_batch
    assert counted(store) == of_batch + Counter({("succeeded", "ERROR", "D"): 1})
    assert faults(store) == []


def test_an_unfinished_job_is_not_counted(store: Store) -> None:
    queue_job(store)
    assert not counted(store)


def test_late_score_moves_a_run_to_its_grade(store: Store) -> None:
    run = make_run(store, outcome=record("INFO"))
    for grade in ("A", "A", "B"):
        with store.transaction() as session:
            set_score(session, run.id, score=90, grade=grade)
    assert counted(store) == Counter({("succeeded", "INFO", "B"): 1})


def test_purge_and_batch_deletion_decrease_counters(store: Store) -> None:
    kept, gone = make_batch(store), make_batch(store)
    for batch_id in (kept, gone, None):
        for hours, level in enumerate(("INFO", "ERROR", "INFO")):
            outcome = record(level, at=NOON + timedelta(hours=hours), score=9, grade="F")
            make_run(store, f"d{hours}.example", outcome, batch_id=batch_id)
    with store.transaction() as session:
        assert purge_finished_before(session, LATER) == 3
    assert faults(store) == []
    with store.transaction() as session:
        delete_batch(session, gone)
    assert counted(store, kept) == Counter({("succeeded", "ERROR", "F"): 1, ("succeeded", "INFO", "F"): 1})
    assert counted(store) == Counter({("succeeded", "ERROR", "F"): 2, ("succeeded", "INFO", "F"): 2})
    assert faults(store) == []
