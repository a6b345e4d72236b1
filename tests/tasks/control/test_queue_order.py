"""Hold, move, reorder, removal, cancel, rerun: rows and messages agree, on both databases."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gonemaster_db.batches.batches import count_statuses, get_batch
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import BatchNotFound, JobNotFound, JobStateError, QueueMismatch, TierMismatch
from gonemaster_db.core.records import NewBatch, NewJob, RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import Driver
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_db.queue.queue import iter_queued_ids
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_db.service.audit import list_actions
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.control import order as control_order
from gonemaster_tasks.control import order_changes, submit
from gonemaster_tasks.control.batches import cancel_batch, rerun_batch
from gonemaster_tasks.control.order import (
    hold_job,
    move_jobs,
    move_jobs_next_to,
    release_job,
    remove_jobs,
    reorder_queue,
)
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.control.pause_flags import end_pauses
from gonemaster_tasks.control.submit import submit_batch, submit_job
from gonemaster_tasks.errors import BrokerUnavailable, NothingToRerun, OptionsTooLarge
from gonemaster_tasks.maintenance.reaper import expire, reap
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.queues import BATCH, CHECK, NORMAL
from tests.support.redis import confirm_tiers, raw
from tests.support.stores import DRIVERS, MakeSettings, opened
from tests.tasks.rows import LEASE, order, queue_batch, start, status


def actions(parts: QueueParts) -> list[tuple[str, str, int]]:
    with parts.store.read_only() as session:
        return [(line.who, line.action, line.count) for line in list_actions(session).items]


def test_held_job_leaves_the_queue_and_comes_back_to_its_place(parts: QueueParts) -> None:
    a, b, c = queue_batch(parts, 3)
    assert str(hold_job(parts, b, who="ops").status) == "paused"
    assert order(parts) == [a, c]
    with pytest.raises(JobStateError):
        hold_job(parts, b)
    release_job(parts, b, who="ops")
    assert order(parts) == [a, b, c]
    hold_job(parts, c)
    release_job(parts, c)
    assert order(parts) == [a, b, c]
    assert actions(parts)[-2:] == [("ops", "job.release", 1), ("ops", "job.hold", 1)]


def test_released_job_whose_followers_are_gone_is_next(parts: QueueParts) -> None:
    a, b, c = queue_batch(parts, 3)
    hold_job(parts, a)
    raw(parts.broker).rpop(BATCH)  # a worker has taken b but has not claimed it yet
    release_job(parts, a)
    assert list(parts.broker.lists.waiting_ids(BATCH)) == [a, c]
    assert status(parts, b) == "queued"


def test_moves_are_the_same_in_rows_and_messages(parts: QueueParts) -> None:
    a, b, c, d, e = queue_batch(parts, 5)
    assert move_jobs(parts, [d, b], to="front", who="ops") == [d, b]
    assert order(parts) == [d, b, a, c, e]
    move_jobs(parts, [d, "job_none"], to="back")
    assert order(parts) == [b, a, c, e, d]
    move_jobs_next_to(parts, [e, b], pivot=c)
    assert order(parts) == [a, e, b, c, d]
    move_jobs_next_to(parts, [a], pivot=b, after=True)
    assert order(parts) == [e, b, a, c, d]
    assert ("ops", "queue.move", 2) in actions(parts)


def test_a_move_next_to_a_held_job_follows_the_rows(parts: QueueParts) -> None:
    a, b, c, d = queue_batch(parts, 4)
    hold_job(parts, b)
    move_jobs_next_to(parts, [d], pivot=b)
    assert order(parts) == [a, d, c]
    release_job(parts, b)
    assert order(parts) == [a, d, b, c]


def test_moves_stay_within_a_tier_and_need_a_waiting_pivot(parts: QueueParts) -> None:
    a, b = queue_batch(parts, 2)
    normal = submit_job(parts, NewJob("n.example")).id
    with pytest.raises(TierMismatch):
        move_jobs(parts, [a, normal], to="front")
    with pytest.raises(TierMismatch):
        move_jobs_next_to(parts, [a], pivot=normal)
    with pytest.raises(JobNotFound):
        move_jobs_next_to(parts, [a], pivot="job_none")
    start(parts, b)
    with pytest.raises(JobStateError):
        move_jobs_next_to(parts, [a], pivot=b)
    assert order(parts) == [a]


def test_reorder_needs_all_jobs_and_a_rebuilt_broker_has_the_same_order(parts: QueueParts) -> None:
    a, b, c = queue_batch(parts, 3)
    n, m = (submit_job(parts, NewJob(f"n{number}.example")).id for number in range(2))
    for wrong in ([m, n, c, a], [c, m, n, a, b], [m, n, c, a, b, b]):
        with pytest.raises(QueueMismatch):
            reorder_queue(parts, wrong)
    reorder_queue(parts, [m, n, c, a, b], who="ops")
    assert order(parts, NORMAL) == [m, n]
    assert order(parts) == [c, a, b]
    raw(parts.broker).flushall()
    done = reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    assert done.messages == {NORMAL: 2, BATCH: 3, CHECK: 0}
    assert set(done.schedules) == set(parts.celery.conf.beat_schedule) >= {"watch", "purge"}
    assert order(parts, NORMAL) == [m, n]
    assert order(parts) == [c, a, b]


def test_reorder_of_very_many_rebuilds_the_tier(parts: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_order, "MAX_REORDERED", 3)
    ids = queue_batch(parts, 4)
    normal = submit_job(parts, NewJob("n.example")).id
    parts.broker.lists.enqueue("job_stale", BATCH)  # otherwise the script would keep it
    reorder_queue(parts, [normal, *reversed(ids)])
    assert order(parts) == ids[::-1]
    assert order(parts, NORMAL) == [normal]


@pytest.mark.parametrize("limit", ["MAX_NAMED", "MAX_BESIDE"])
def test_moves_of_many_rebuild_the_tier(parts: QueueParts, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(control_order, limit, 1)
    a, b, c, d = queue_batch(parts, 4)
    parts.broker.lists.enqueue("job_stale", BATCH)  # otherwise the script would keep it
    if limit == "MAX_NAMED":
        move_jobs(parts, [d, b], to="front")
    else:
        move_jobs_next_to(parts, [d, b], pivot=a)
    assert order(parts) == [d, b, a, c]


def test_removal_of_many_rebuilds_the_tier(parts: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_changes, "MAX_NAMED", 1)
    a, b, c = queue_batch(parts, 3)
    parts.broker.lists.enqueue("job_stale", BATCH)
    remove_jobs(parts, [a, c])
    assert order(parts) == [b]


def test_removed_jobs_are_canceled_runs_and_running_ones_are_left(parts: QueueParts) -> None:
    a, b, c, d = queue_batch(parts, 4)
    start(parts, a)
    normal = submit_job(parts, NewJob("n.example")).id
    assert remove_jobs(parts, [normal, c, a, "job_none", b], who="ops") == [normal, c, b]
    assert order(parts) == [d]
    assert order(parts, NORMAL) == []
    with parts.store.read_only() as session:
        run = find_job_or_run(session, c)
    assert isinstance(run, Run)
    assert (run.status, run.error) == ("canceled", "removed_from_queue")
    assert status(parts, a) == "running"
    assert actions(parts)[0] == ("ops", "queue.remove", 3)


def test_batch_cancel_ends_waiting_jobs_and_marks_running_ones(parts: QueueParts) -> None:
    ids = queue_batch(parts, 6)
    other = queue_batch(parts, 2)
    hold_job(parts, ids[4])
    start(parts, ids[0])
    with parts.store.read_only() as session:
        job = find_job_or_run(session, ids[0])
        batch_id = job.batch_id
    assert batch_id
    done = cancel_batch(parts, batch_id, who="ops")
    assert (done.canceled, done.stopping) == (5, 1)
    assert order(parts) == other
    with parts.store.read_only() as session:
        counts = count_statuses(session, batch_id)
        job = find_job_or_run(session, ids[0])
    assert (counts["canceled"], counts["running"], counts["queued"], counts["paused"]) == (5, 1, 0, 0)
    assert not isinstance(job, Run)
    assert job.cancel_requested_at
    assert actions(parts)[0] == ("ops", "batch.cancel", 6)
    with pytest.raises(BatchNotFound):
        cancel_batch(parts, "batch_none")


def test_cancel_of_a_large_batch_rebuilds_the_tier(parts: QueueParts) -> None:
    ids = queue_batch(parts, 4500)
    other = queue_batch(parts, 3)
    with parts.store.read_only() as session:
        batch_id = find_job_or_run(session, ids[0]).batch_id
    assert batch_id
    assert cancel_batch(parts, batch_id).canceled == 4500
    assert order(parts) == other


def test_rerun_makes_a_new_batch_of_the_runs_asked_for(parts: QueueParts) -> None:
    ids = queue_batch(parts, 4)
    with parts.store.read_only() as session:
        batch_id = find_job_or_run(session, ids[0]).batch_id
    assert batch_id
    with pytest.raises(NothingToRerun):
        rerun_batch(parts, batch_id, only="failed")
    for job_id in ids[:2]:
        attempt = start(parts, job_id).attempt
        record = RunRecord(RunStatus.FAILED, utcnow(), error="x")
        with parts.store.transaction() as session:
            graduate_job(session, job_id, worker="w", attempt=attempt, record=record)
    cancel_batch(parts, batch_id)
    again = rerun_batch(parts, batch_id, only="failed", who="ops")
    assert (again.job_count, again.batch.domain_count) == (2, 2)
    with parts.store.read_only() as session:
        domains = [find_job_or_run(session, job_id).domain for job_id in again.job_ids]
        assert get_batch(session, again.batch.id).description == f"failed of {batch_id} again"
    assert domains == ["d0.example", "d1.example"]
    assert order(parts) == list(again.job_ids)
    assert rerun_batch(parts, batch_id, only="all").job_count == 4
    assert ("ops", "batch.rerun", 2) in actions(parts)


def test_a_rerun_copies_no_more_options_than_a_batch_may_have(
    parts: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"overrides": {"test_levels": {"ZONE": {f"T{number}": "INFO" for number in range(50)}}}}
    batch_id = submit_batch(parts, NewBatch(3), [NewJob(f"d{number}.example", config=options) for number in range(3)])
    cancel_batch(parts, batch_id.batch.id)
    monkeypatch.setattr(submit, "MAX_OPTIONS", 2_000)
    with pytest.raises(OptionsTooLarge) as refused:
        rerun_batch(parts, batch_id.batch.id)
    assert (refused.value.limit, len(order(parts))) == (666, 0)
    assert refused.value.size >= len(json.dumps(options, separators=(",", ":")))
    monkeypatch.setattr(submit, "MAX_OPTIONS", 6_000)
    assert rerun_batch(parts, batch_id.batch.id).job_count == 3


@pytest.mark.parametrize("driver", DRIVERS)
def test_rerun_needs_one_connection_to_the_database(
    make_store_settings: MakeSettings, broker: Broker, driver: Driver
) -> None:
    one = replace(make_store_settings(driver), pool_size=1, pool_overflow=0, pool_wait=timedelta(seconds=1))
    with opened(one) as store:
        parts = QueueParts(store, broker, make_app(broker.address.url))
        ids = queue_batch(parts, 3)
        with store.read_only() as session:
            batch_id = find_job_or_run(session, ids[0]).batch_id
        assert batch_id
        cancel_batch(parts, batch_id)
        assert rerun_batch(parts, batch_id).job_count == 3
        parts.celery.close()


def test_waiting_jobs_whose_time_has_passed_expire(parts: QueueParts) -> None:
    soon = submit_job(parts, NewJob("a.example", expires_at=utcnow() + timedelta(seconds=1))).id
    later = submit_job(parts, NewJob("b.example", expires_at=utcnow() + timedelta(days=1))).id
    assert expire(parts.store, now=utcnow() + timedelta(seconds=2)) == 1
    assert (status(parts, soon), status(parts, later)) == ("expired", "queued")


def test_a_lease_that_was_renewed_after_it_was_found_is_not_reaped(parts: QueueParts) -> None:
    (job_id,) = queue_batch(parts, 1)
    start(parts, job_id)
    assert reap(parts.store, parts.broker, now=utcnow(), max_attempts=3) == 0
    assert reap(parts.store, parts.broker, now=utcnow() + 2 * LEASE, max_attempts=3) == 1
    assert order(parts) == [job_id]


def test_reconciling_writes_one_lost_message_again_at_its_place(parts: QueueParts) -> None:
    ids = queue_batch(parts, 4)
    confirm_tiers(parts.broker)
    raw(parts.broker).lset(BATCH, -2, "not ours")
    later = utcnow() + timedelta(minutes=1)
    reconcile(parts.store, parts.broker, parts.celery, now=later)
    assert parts.broker.without_message(ids, BATCH) == []
    assert raw(parts.broker).llen(BATCH) == 5


def test_reconciling_drops_messages_without_rows(parts: QueueParts) -> None:
    ids = queue_batch(parts, 2)
    confirm_tiers(parts.broker)
    parts.broker.lists.enqueue_many([f"job_stale{number}" for number in range(50)], BATCH)
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    assert order(parts) == ids


def test_reconciling_leaves_a_submission_alone_that_is_under_way(parts: QueueParts) -> None:
    queue_batch(parts, 2)
    confirm_tiers(parts.broker)
    raw(parts.broker).delete(BATCH)
    parts.broker.marks.begin_submission("batch_x", timedelta(seconds=30))
    assert reconcile(parts.store, parts.broker, parts.celery, now=utcnow()).messages == {NORMAL: 0, BATCH: 0, CHECK: 0}
    parts.broker.marks.end_submission("batch_x")
    assert reconcile(parts.store, parts.broker, parts.celery, now=utcnow()).messages == {NORMAL: 0, BATCH: 2, CHECK: 0}


def test_pauses_show_actor_reason_and_end(parts: QueueParts) -> None:
    now = utcnow()
    pause_queue(parts, [BATCH], paused_by="ops", reason="maintenance", until=now + timedelta(seconds=60))
    assert parts.broker.marks.controls().paused == {BATCH: (now + timedelta(seconds=60)).timestamp()}
    assert end_pauses(parts.store, now=now) == []
    assert end_pauses(parts.store, now=now + timedelta(seconds=61)) == [BATCH]
    assert resume_queue(parts, who="ops") == []
    assert parts.broker.marks.controls().paused == {}
    assert [(who, action) for who, action, _ in actions(parts)] == [
        ("reconciler", "queue.resume"),
        ("ops", "queue.resume"),
        ("ops", "queue.pause"),
    ]


def test_nothing_is_written_while_the_broker_is_unavailable(store: Store, own_redis: EmbeddedRedis) -> None:
    broker = Broker.open(own_redis.url)
    app = make_app(own_redis.url)
    parts = QueueParts(store, broker, app)
    (job_id,) = queue_batch(parts, 1)
    own_redis.stop()
    for act in (
        lambda: submit_job(parts, NewJob("x.example")),
        lambda: submit_batch(parts, NewBatch(1), [NewJob("x.example")]),
        lambda: move_jobs(parts, [job_id], to="front"),
        lambda: reorder_queue(parts, [job_id]),
    ):
        with pytest.raises(BrokerUnavailable):
            act()
    with store.read_only() as session:
        assert list(iter_queued_ids(session, 0)) == []
        assert list(iter_queued_ids(session, 1)) == [job_id]
    assert remove_jobs(parts, [job_id]) == [job_id]
    assert status(parts, job_id) == "canceled"
    broker.close()
    app.close()
