"""The order of the waiting jobs: counted, paged, moved and reordered within the tiers."""

from datetime import timedelta

import pytest

from gonemaster_db.core.errors import JobNotFound, JobStateError, QueueMismatch, TierMismatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import JobStatus, Priority
from gonemaster_db.queue import queue
from gonemaster_db.queue.jobs import get_job, hold_job
from gonemaster_db.queue.position_allocator import GAP
from tests.support.rows import NOON, claim, queue_job, queue_jobs


def names(count: int) -> list[str]:
    return [f"d{number}.example" for number in range(count)]


def order(store: Store, priority: int = Priority.NORMAL) -> list[str]:
    with store.read_only() as session:
        return [job.id for job in queue.list_waiting(session, priority, limit=1000)]


def test_counts_and_lists_follow_tier_state_and_order(store: Store) -> None:
    normal = queue_jobs(store, names(4))
    batch = queue_jobs(store, names(3), priority=Priority.BATCH, now=NOON + timedelta(seconds=5))
    claim(store, normal[0])
    with store.transaction() as session:
        hold_job(session, normal[1])
    with store.read_only() as session:
        assert queue.count_queued(session, Priority.NORMAL) == 2
        assert queue.count_states(session) == {
            (0, JobStatus.RUNNING): 1,
            (0, JobStatus.PAUSED): 1,
            (0, JobStatus.QUEUED): 2,
            (1, JobStatus.QUEUED): 3,
        }
        assert queue.first_queued_ids(session, Priority.NORMAL, limit=1) == [normal[2]]
        assert queue.first_queued_ids(session, Priority.BATCH, limit=9, created_before=NOON) == []
        assert list(queue.iter_queued_ids(session, Priority.BATCH)) == batch
        assert [job.id for job in queue.list_waiting(session, 0, limit=2, offset=1)] == normal[2:]
        assert [job.id for job in queue.list_running(session, limit=5)] == normal[:1]


def test_ids_are_read_in_slices_without_loss(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "SLICE", 3)
    ids = queue_jobs(store, names(8))
    with store.read_only() as session:
        assert list(queue.iter_queued_ids(session, Priority.NORMAL)) == ids


def test_jobs_move_to_the_front_and_back_in_the_order_given(store: Store) -> None:
    a, b, c, d, e = queue_jobs(store, names(5))
    with store.transaction() as session:
        assert queue.move_to_end(session, [d, b, "job_none"], to="front") == [d, b]
    assert order(store) == [d, b, a, c, e]
    with store.transaction() as session:
        queue.move_to_end(session, [a, d], to="back")
    assert order(store) == [b, c, e, a, d]
    late = queue_job(store).id
    assert order(store) == [b, c, e, a, d, late]


def test_jobs_move_beside_another(store: Store) -> None:
    a, b, c, d, e = queue_jobs(store, names(5))
    with store.transaction() as session:
        queue.move_beside(session, [e, d], pivot=b)
    assert order(store) == [a, e, d, b, c]
    with store.transaction() as session:
        queue.move_beside(session, [a, d], pivot=c, after=True)
    assert order(store) == [e, b, c, a, d]
    with store.transaction() as session:
        queue.move_beside(session, [c], pivot=e)
    assert order(store) == [c, e, b, a, d]


@pytest.mark.parametrize("after", [False, True])
def test_a_gap_that_is_used_up_is_made_wider(store: Store, after: bool) -> None:
    ids = queue_jobs(store, names(30))
    pivot, others = ids[10], [*ids[:10], *ids[11:]]
    expected = ids
    for job_id in others:
        with store.transaction() as session:
            queue.move_beside(session, [job_id], pivot=pivot, after=after)
        expected = [other for other in expected if other != job_id]
        place = expected.index(pivot) + after
        expected = [*expected[:place], job_id, *expected[place:]]
        assert order(store) == expected
    assert len(others) > GAP.bit_length()


def test_more_jobs_than_a_gap_holds_move_at_once(store: Store) -> None:
    ids = queue_jobs(store, names(GAP + 60))
    with store.transaction() as session:
        queue.move_beside(session, ids[2:], pivot=ids[1])
    with store.read_only() as session:
        assert list(queue.iter_queued_ids(session, 0)) == [ids[0], *ids[2:], ids[1]]


@pytest.mark.parametrize("after", [False, True])
def test_neighbours_move_over_only_as_far_as_needed(store: Store, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    monkeypatch.setattr(queue, "WIDTHS", (1, 4, 2**40))
    count = 2 * GAP  # more than the nearest gap holds, less than the nearest four
    ids = queue_jobs(store, names(count + 40))
    moved, still = ids[:count], ids[count:]
    with store.read_only() as session:
        before = {job_id: get_job(session, job_id).position for job_id in still}
    with store.transaction() as session:
        queue.move_beside(session, moved, pivot=still[20], after=after)
    place = 20 + after
    with store.read_only() as session:
        assert list(queue.iter_queued_ids(session, 0)) == [*still[:place], *moved, *still[place:]]
    with store.read_only() as session:
        touched = [job_id for job_id in still if get_job(session, job_id).position != before[job_id]]
    assert touched == (still[21:24] if after else still[17:20])


def test_what_is_submitted_after_a_move_behind_the_last_stands_behind_it(store: Store) -> None:
    ids = queue_jobs(store, names(3))
    with store.transaction() as session:
        queue.move_beside(session, [ids[0]], pivot=ids[2], after=True)
    late = queue_job(store).id
    assert order(store) == [ids[1], ids[2], ids[0], late]


def test_moves_that_make_no_sense_are_refused(store: Store) -> None:
    normal, (batch,) = queue_jobs(store, names(3)), queue_jobs(store, ["x.example"], priority=Priority.BATCH)
    claim(store, normal[2])
    with store.transaction() as session:
        for error, ids, pivot in (
            (TierMismatch, [normal[0], batch], normal[1]),
            (TierMismatch, [batch], normal[0]),
            (JobNotFound, [normal[0]], "job_none"),
            (JobStateError, [normal[0]], normal[2]),
            (JobStateError, [normal[0]], normal[0]),
        ):
            with pytest.raises(error):
                queue.move_beside(session, ids, pivot=pivot)
        with pytest.raises(TierMismatch):
            queue.move_to_end(session, [normal[0], batch], to="front")
        assert queue.move_to_end(session, [normal[2]], to="front") == []
        assert queue.move_beside(session, [normal[2]], pivot=normal[0]) == []
    assert order(store) == normal[:2]


def test_reorder_takes_every_waiting_job_once_and_keeps_tiers(store: Store) -> None:
    normal = queue_jobs(store, names(3))
    batch = queue_jobs(store, names(2), priority=Priority.BATCH)
    with store.transaction() as session:
        queue.reorder_queue(session, [*normal[::-1], *batch[::-1]])
    assert (order(store), order(store, Priority.BATCH)) == (normal[::-1], batch[::-1])
    for wrong in (normal, [*batch, *normal], [*normal, *batch, batch[0]], [*normal, batch[0], "job_none"]):
        with pytest.raises(QueueMismatch), store.transaction() as session:
            queue.reorder_queue(session, wrong)
