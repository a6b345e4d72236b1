"""The ranks of queued jobs, looked up for many jobs together."""

import pytest

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, Priority
from gonemaster_db.queue import queue_ranks
from gonemaster_db.queue.jobs import create_jobs, get_job, hold_job
from gonemaster_db.queue.queue import move_to_end
from tests.support.rows import NOON, claim, queue_jobs


def names(count: int) -> list[str]:
    return [f"d{number}.example" for number in range(count)]


def positions(store: Store, ids: list[str]) -> list[int | None]:
    with store.read_only() as session:
        found = queue_ranks.find_ranks(session, [get_job(session, job_id) for job_id in ids])
    return [found.get(job_id) for job_id in ids]


def test_ranks_count_earlier_queued_jobs_of_the_tier(store: Store) -> None:
    batch = queue_jobs(store, names(4), priority=Priority.BATCH)
    normal = queue_jobs(store, names(3))
    claim(store, normal[0])
    with store.transaction() as session:
        hold_job(session, batch[1])
    assert positions(store, [*normal, *batch]) == [None, 1, 2, 1, None, 2, 3]


def test_ranks_follow_moves(store: Store) -> None:
    a, b, c = queue_jobs(store, names(3))
    with store.transaction() as session:
        move_to_end(session, [c], to="front")
    assert positions(store, [a, b, c]) == [2, 3, 1]


def test_many_ranks_are_looked_up_in_slices_in_any_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_ranks, "CHUNK", 3)
    ids = queue_jobs(store, names(10))
    assert positions(store, ids[::-1]) == list(range(10, 0, -1))


def test_jobs_of_equal_position_are_ordered_by_id(store: Store) -> None:
    ids = queue_jobs(store, names(4))
    with store.transaction() as session:
        for job_id in ids[1:3]:
            session.get_one(Job, job_id).position = session.get_one(Job, ids[0]).position
    assert positions(store, ids) == [1, 2, 3, 4]


def test_span_of_a_batch_excludes_held_and_running_jobs(store: Store) -> None:
    with store.transaction() as session:
        batch_id = create_batch(session, NewBatch(5)).id
        done_id = create_batch(session, NewBatch(0)).id
        jobs = [NewJob(name, batch_id=batch_id, priority=Priority.BATCH) for name in names(5)]
        ids = [job_id for chunk in create_jobs(session, jobs) for job_id in chunk]
    claim(store, ids[0])
    with store.transaction() as session:
        hold_job(session, ids[4])
    with store.read_only() as session:
        spans = queue_ranks.batch_spans(session, [batch_id, done_id])
        first, last = (get_job(session, job_id).position for job_id in (ids[1], ids[3]))
    span = queue_ranks.BatchSpan(
        batch_id, queued=3, held=1, running=1, first=(first, ""), last=(last, ""), first_start=NOON, last_start=NOON
    )
    assert spans == {batch_id: span}
