"""Data of killed workers in the broker: messages they had taken, and the lock of the reconciler."""

import time
from datetime import timedelta

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewJob
from gonemaster_db.queue.jobs import claim_job, create_job
from gonemaster_tasks.broker.keys import UNACKED, UNACKED_INDEX
from gonemaster_tasks.broker.queue.messages import build_message
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.maintenance.unacked import drop_stale_unacked
from gonemaster_tasks.queues import NORMAL
from tests.support.redis import raw
from tests.support.workers import Farm


def _taken(farm: Farm, *, ago_s: float) -> str:
    """A queued job whose message a worker has taken."""
    job_id = farm.submit("taken.test")
    farm.broker.lists.remove([job_id], NORMAL)
    raw(farm.broker).hset(UNACKED, job_id, build_message(job_id, NORMAL))
    raw(farm.broker).zadd(UNACKED_INDEX, {job_id: time.time() - ago_s})
    return job_id


def _drop(farm: Farm) -> int:
    return drop_stale_unacked(farm.store, farm.broker, now=utcnow())


def test_a_message_taken_and_never_claimed_waits_again(farm: Farm) -> None:
    job_id = _taken(farm, ago_s=60)
    assert _drop(farm) == 1
    assert list(farm.broker.lists.waiting_ids(NORMAL)) == [job_id]
    assert farm.broker.unacked.held_since() == {}
    assert farm.broker.unacked.count() == 0


def test_a_job_that_the_reaper_queued_again_gets_no_second_message(farm: Farm) -> None:
    job_id = _taken(farm, ago_s=60)
    farm.broker.lists.put_back(job_id, NORMAL)
    assert _drop(farm) == 1
    assert list(farm.broker.lists.waiting_ids(NORMAL)) == [job_id]


def test_a_time_of_taking_in_the_future_does_not_protect_a_message(farm: Farm) -> None:
    job_id = _taken(farm, ago_s=-3600)
    assert _drop(farm) == 1
    assert list(farm.broker.lists.waiting_ids(NORMAL)) == [job_id]


def test_a_message_just_taken_stays_with_its_worker(farm: Farm) -> None:
    job_id = _taken(farm, ago_s=0)
    assert _drop(farm) == 0
    assert set(farm.broker.unacked.held_since()) == {job_id}


def test_the_message_of_a_running_job_stays_with_its_worker(farm: Farm) -> None:
    job_id = _taken(farm, ago_s=60)
    lease = timedelta(seconds=30)
    farm.store.run_in_transaction(
        lambda session: claim_job(session, job_id, worker="one@host", now=utcnow(), lease=lease)
    )
    assert _drop(farm) == 0
    assert set(farm.broker.unacked.held_since()) == {job_id}


def test_the_message_of_an_ended_job_is_forgotten(farm: Farm) -> None:
    job_id = _taken(farm, ago_s=60)
    cancel_job(farm.parts, job_id)
    assert _drop(farm) == 1
    assert farm.broker.lists.depth(NORMAL) == 0
    assert farm.broker.unacked.held_since() == {}


def _lock(farm: Farm) -> str:
    return f"reconcile:{farm.broker.marks.controls().replication_id}"


def test_the_lock_of_a_killed_worker_does_not_stop_the_reconciler(farm: Farm) -> None:
    assert farm.broker.locks.acquire(_lock(farm), "gone@host", timedelta(minutes=10))
    job = farm.store.run_in_transaction(lambda session: create_job(session, NewJob("lost.test")))  # and no message
    farm.start_worker("one")
    assert farm.run_of(job.id).status == "succeeded"


def test_a_restarted_worker_takes_the_lock_of_its_predecessor(farm: Farm) -> None:
    farm.start_worker("one")
    (state,) = farm.broker.workers.live()
    farm.stop("one")
    assert farm.broker.locks.acquire(_lock(farm), state.name, timedelta(minutes=10))
    job = farm.store.run_in_transaction(lambda session: create_job(session, NewJob("lost.test")))
    farm.start_worker("one")
    assert farm.run_of(job.id).status == "succeeded"
