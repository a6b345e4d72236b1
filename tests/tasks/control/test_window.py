"""The window of the batch tier: its first jobs have messages, the others follow in the order of the rows."""

import itertools
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.models import Priority
from gonemaster_db.queue.queue import iter_queued_ids, queued_after
from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.queue.window import QueueCut
from gonemaster_tasks.control import order
from gonemaster_tasks.control.batches import cancel_batch
from gonemaster_tasks.control.order_changes import QUEUE_ORDER, rebuild_tier, refill_tier
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.selection import hold_jobs, release_jobs
from gonemaster_tasks.control.submit import submit_batch, submit_job
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.queues import BATCH
from tests.support.examples import examples
from tests.support.redis import confirm_tiers, raw
from tests.tasks.rows import queue_batch, start

SIZE = 8


@pytest.fixture
def parts(parts: QueueParts) -> QueueParts:
    """Return a queue whose window has room for eight messages."""
    parts.broker.window.size = SIZE
    confirm_tiers(parts.broker)
    return parts


def rows(parts: QueueParts) -> list[str]:
    with parts.store.read_only() as session:
        return list(iter_queued_ids(session, Priority.BATCH))


def messages(parts: QueueParts) -> list[str]:
    """Return the waiting messages after checking that they are those of the first jobs, up to the cut."""
    waiting, cut = list(parts.broker.lists.waiting_ids(BATCH)), parts.broker.window.cut(BATCH)
    with parts.store.read_only() as session:
        after = [] if cut is None else queued_after(session, Priority.BATCH, cut.key, limit=1000)
    assert waiting + [job_id for _, job_id in after] == rows(parts)
    assert len(waiting) <= SIZE
    return waiting


def refilled(parts: QueueParts) -> list[str]:
    refill_tier(parts.store, parts.broker, BATCH)
    return messages(parts)


def taken(parts: QueueParts) -> str:
    """Take the next job as a worker does."""
    job_id = next(parts.broker.lists.waiting_ids(BATCH))
    start(parts, job_id)
    return job_id


def test_a_large_batch_has_as_many_messages_as_the_window(parts: QueueParts) -> None:
    ids = queue_batch(parts, 20)
    assert messages(parts) == ids[:SIZE]
    assert [taken(parts) for _ in range(3)] == ids[:3]
    assert refilled(parts) == ids[3:11]
    for _ in range(9):
        taken(parts)
        refilled(parts)
    assert messages(parts) == ids[12:]
    assert parts.broker.window.cut(BATCH) is not None
    taken(parts), taken(parts), taken(parts)
    assert refilled(parts) == ids[15:]
    assert parts.broker.window.cut(BATCH) is None


def test_all_jobs_are_taken_once_in_the_order_of_the_rows(parts: QueueParts) -> None:
    ids = [*queue_batch(parts, 30), *queue_batch(parts, 3), *queue_batch(parts, 15)]
    done = []
    while refilled(parts):
        done.append(taken(parts))
    assert done == ids


def test_a_submission_behind_a_full_window_writes_no_message(parts: QueueParts) -> None:
    first = queue_batch(parts, 10)
    queue_batch(parts, 2)
    late = submit_job(parts, NewJob("late.example", priority=Priority.BATCH)).id
    assert messages(parts) == first[:SIZE]
    assert rows(parts)[-1] == late


def test_a_refill_sees_a_submission_that_relied_on_its_cut(parts: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the query of the refill, which finds no further job, and its decision, a batch arrives."""
    queue_batch(parts, 9)
    for _ in range(9):
        taken(parts)
        refilled(parts)
    raw(parts.broker).set(keys.cut(BATCH), QueueCut.at(2**40, "").text)
    query, arrived = queued_after, list[str]()

    def arrive_after_query(*args: Any, **named: Any) -> Any:
        found = query(*args, **named)
        if not arrived:
            arrived.extend(queue_batch(parts, 3))
        return found

    monkeypatch.setattr("gonemaster_tasks.control.messages.window.queued_after", arrive_after_query)
    assert refilled(parts) == arrived


def test_a_job_released_behind_the_cut_gets_its_message_later(parts: QueueParts) -> None:
    ids = queue_batch(parts, 12)
    order.hold_job(parts, ids[10])
    order.hold_job(parts, ids[2])
    order.release_job(parts, ids[10])
    assert messages(parts) == [*ids[:2], *ids[3:8]]
    order.release_job(parts, ids[2])
    assert messages(parts) == ids[:8]


def test_a_job_released_into_a_full_window_displaces_the_last_one(parts: QueueParts) -> None:
    ids = queue_batch(parts, 12)
    for job_id in ids[:3]:
        order.hold_job(parts, job_id)
    assert refilled(parts) == ids[3:11]
    order.release_job(parts, ids[1])
    assert messages(parts) == [ids[1], *ids[3:10]]


def test_moves_and_reorder_reach_jobs_behind_the_cut(parts: QueueParts) -> None:
    ids = queue_batch(parts, 12)
    order.move_jobs(parts, [ids[11], ids[0]], to="front")
    assert messages(parts) == [ids[11], *ids[:7]]
    order.move_jobs(parts, [ids[11]], to="back")
    assert messages(parts) == ids[:8]
    order.move_jobs_next_to(parts, [ids[9]], pivot=ids[1])
    assert messages(parts) == [ids[0], ids[9], *ids[1:7]]
    order.reorder_queue(parts, rows(parts)[::-1])
    assert messages(parts) == rows(parts)[:SIZE]


def test_cancel_of_a_batch_lets_the_next_one_move_up(parts: QueueParts) -> None:
    submitted = submit_batch(parts, NewBatch(30), (NewJob(f"c{n}.example") for n in range(30)))
    others = queue_batch(parts, 4)
    cancel_batch(parts, submitted.batch.id)
    assert refilled(parts) == others


def test_reconciling_keeps_a_window_and_repairs_it(parts: QueueParts) -> None:
    ids = queue_batch(parts, 40)
    client = raw(parts.broker)
    assert reconcile(parts.store, parts.broker, parts.celery, now=utcnow()).messages[BATCH] == 0
    client.delete(BATCH)
    assert reconcile(parts.store, parts.broker, parts.celery, now=utcnow()).messages[BATCH] == SIZE
    assert messages(parts) == ids[:SIZE]


@pytest.mark.parametrize("text", ["", "x", "1", "12:job_none:t"])
def test_a_malformed_cut_is_repaired(parts: QueueParts, text: str) -> None:
    ids = queue_batch(parts, 12)
    raw(parts.broker).set(keys.cut(BATCH), text)
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    assert refilled(parts) == ids[:SIZE]


def test_a_lost_redis_gets_the_first_jobs_again(parts: QueueParts) -> None:
    ids = queue_batch(parts, 20)
    raw(parts.broker).flushall()
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    assert messages(parts) == ids[:SIZE]


def test_a_refill_waits_for_a_change_of_the_order(parts: QueueParts) -> None:
    ids = queue_batch(parts, 20)
    taken(parts), taken(parts), taken(parts)
    with parts.broker.locks.exclusive(QUEUE_ORDER):
        assert refill_tier(parts.store, parts.broker, BATCH) == 0
    assert refilled(parts) == ids[3:11]


class Steps:
    """Random changes of a queue with a small window."""

    def __init__(self, parts: QueueParts, random: Random) -> None:
        self.parts, self._random = parts, random
        self._batches: list[str] = []
        self.started: list[str] = []
        self._names = itertools.count()

    def submit(self) -> None:
        count = self._random.randint(1, 15)
        jobs = (NewJob(f"p{next(self._names)}.example") for _ in range(count))
        self._batches.append(submit_batch(self.parts, NewBatch(count), jobs).batch.id)

    def take(self) -> None:
        for job_id in list(itertools.islice(self.parts.broker.lists.waiting_ids(BATCH), self._random.randint(1, 6))):
            start(self.parts, job_id)
            self.started.append(job_id)

    def some(self) -> list[str]:
        waiting = rows(self.parts)
        return self._random.sample(waiting, min(len(waiting), self._random.randint(1, 3)))

    def hold(self) -> None:
        self._held = self.some()
        hold_jobs(self.parts, self._held)

    def release(self) -> None:
        release_jobs(self.parts, getattr(self, "_held", []))

    def hold_and_release_one(self) -> None:
        for job_id in self.some()[:1]:
            order.hold_job(self.parts, job_id)
            self.submit()
            order.release_job(self.parts, job_id)

    def move(self) -> None:
        order.move_jobs(self.parts, self.some(), to=self._random.choice(["front", "back"]))

    def move_next_to(self) -> None:
        chosen, waiting = self.some(), rows(self.parts)
        pivots = [job_id for job_id in waiting if job_id not in chosen]
        if pivots:
            order.move_jobs_next_to(
                self.parts, chosen, pivot=self._random.choice(pivots), after=self._random.random() < 0.5
            )

    def remove(self) -> None:
        order.remove_jobs(self.parts, self.some())

    def cancel(self) -> None:
        if self._batches:
            cancel_batch(self.parts, self._batches.pop(self._random.randrange(len(self._batches))))

    def refill(self) -> None:
        refill_tier(self.parts.store, self.parts.broker, BATCH)

    def rebuild(self) -> None:
        with self.parts.broker.locks.exclusive(QUEUE_ORDER):
            rebuild_tier(self.parts.store, self.parts.broker, BATCH)


STEPS = [name for name in vars(Steps) if not name.startswith("_") and name != "some"]


@given(st.integers(0, 2**32))
@settings(max_examples=examples(10, 150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_messages_are_always_those_of_the_first_jobs(parts: QueueParts, seed: int) -> None:
    random = Random(seed)
    steps = Steps(parts, random)
    for name in random.choices(STEPS, k=25):
        getattr(steps, name)()
        messages(parts)
    while before := refilled(parts):
        steps.take()
        assert steps.started[-1] in before
    assert len(set(steps.started)) == len(steps.started)
    assert rows(parts) == []
