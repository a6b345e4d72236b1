"""The jobs that real worker processes run, their order, and the number of runs."""

import signal
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewJob
from gonemaster_db.queue.attempt_logs import list_attempt_logs
from gonemaster_db.queue.jobs import create_job
from gonemaster_db.runs.graduation import request_cancel
from gonemaster_tasks.broker.queue.messages import build_message
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.queues import BATCH, NORMAL
from tests.support.redis import raw
from tests.support.standin_worker import ENTRIES
from tests.support.workers import Farm, wait_until


def no_messages(farm: Farm) -> bool:
    return not farm.broker.lists.depth(NORMAL) and not farm.broker.unacked.count()


@pytest.mark.core
def test_a_message_built_by_us_is_run_and_acknowledged(farm: Farm) -> None:
    farm.start_worker("one")
    run = farm.run_of(farm.submit("good.test"))
    assert (run.status, run.entry_count, run.score, run.attempt) == ("succeeded", ENTRIES, 100, 1)
    assert run.worker is not None
    assert run.worker.startswith("one@")
    wait_until(lambda: farm.broker.unacked.count() == 0, what="acknowledgement")
    assert farm.broker.lists.depths() == {"normal": 0, "batch": 0, "check": 0, "maintenance": 0}
    assert farm.stop("one") == 0
    assert farm.broker.workers.live() == []


def test_an_engine_that_breaks_gives_a_failed_run_with_the_reason(farm: Farm) -> None:
    farm.start_worker("one")
    run = farm.run_of(farm.submit("fail.test"))
    assert (run.status, run.error) == ("failed", "RuntimeError: the engine broke")
    with farm.store.read_only() as session:
        (attempt,) = list_attempt_logs(session, run.id)
    assert (attempt.attempt, attempt.worker) == (1, run.worker)
    assert "the engine failed" in attempt.lines[-1]
    assert "RuntimeError: the engine broke" in attempt.lines[-1]


@pytest.mark.parametrize(
    ("seed", "queues"), [("0", "normal,batch"), ("4", "batch,normal"), ("11", "batch,maintenance,normal")]
)
def test_normal_jobs_come_first_in_every_order_of_hashes_and_arguments(farm: Farm, seed: str, queues: str) -> None:
    pause_queue(farm.parts)
    farm.submit_batch([f"b{number}-30.test" for number in range(12)])
    normal = {farm.submit(f"n{number}-30.test") for number in range(8)}
    farm.start_worker(
        "one",
        "--queues",
        queues,
        PYTHONHASHSEED=seed,
        GONEMASTER_WORKER_COUNT="2",
        GONEMASTER_RESERVED_NORMAL_SLOTS="0",
    )
    assert farm.starts() == []
    resume_queue(farm.parts)
    wait_until(lambda: len(farm.starts()) == 20, what="all jobs started")
    order = [start["job_id"] in normal for start in farm.starts()]
    # Two slots record starts concurrently: the last normal job may be recorded after some batch jobs.
    assert all(order[:6])
    assert sum(order[:12]) == 8


def test_batch_jobs_leave_the_reserved_slots_free(farm: Farm) -> None:
    farm.submit_batch([f"b{number}-60000.test" for number in range(6)])
    farm.start_worker("one", GONEMASTER_RESERVED_NORMAL_SLOTS="2")
    wait_until(lambda: len(farm.starts()) == 2, what="the slots for batch jobs are taken")
    assert farm.run_of(farm.submit("now.test")).status == "succeeded"
    assert len(farm.starts()) == 3


def test_a_slot_that_gets_free_is_used_at_once_though_others_are_reserved(farm: Farm) -> None:
    pause_queue(farm.parts)
    batch = farm.submit_batch([f"b{number}-50.test" for number in range(60)])
    raw(farm.broker).config_resetstat()
    farm.start_worker("one", GONEMASTER_WORKER_COUNT="4", GONEMASTER_RESERVED_NORMAL_SLOTS="1")
    resume_queue(farm.parts)
    for job_id in batch.job_ids:
        farm.run_of(job_id)
    statistics = raw(farm.broker).info("commandstats")
    assert (
        statistics.get("cmdstat_client|unblock", {"calls": 0})["calls"] >= 5
    )  # in 20 rounds; otherwise a free slot waits until the BRPOP for normal jobs ends


def test_nothing_starts_after_a_pause_though_a_worker_waits_for_the_next_message(farm: Farm) -> None:
    farm.start_worker("one")
    farm.run_of(farm.submit("first.test"))
    for number in range(5):
        pause_queue(farm.parts)
        job_id = farm.submit(f"n{number}.test")
        resumed_at = time.time()
        resume_queue(farm.parts)
        assert farm.run_of(job_id).status == "succeeded"
        assert farm.starts()[-1]["at"] >= resumed_at


def test_a_pause_holds_over_restarts_and_for_new_workers_and_maintenance_goes_on(farm: Farm) -> None:
    farm.start_worker("one")
    pause_queue(farm.parts, [BATCH], paused_by="ops", reason="provider asked")
    batch = farm.submit_batch(["b1.test", "b2.test"])
    farm.stop("one")
    farm.start_worker("one")
    farm.start_worker("two")
    assert farm.run_of(farm.submit("n.test")).status == "succeeded"
    farm.start_beat()
    wait_until(lambda: raw(farm.broker).zscore("redbeat::schedule", "redbeat:metrics"), what="schedule")
    wait_until(
        lambda: "last_run_at" in _sent_meta(farm) and farm.broker.lists.depth("maintenance") == 0, what="maintenance"
    )
    assert {farm.status(job_id) for job_id in batch.job_ids} == {"queued"}
    assert resume_queue(farm.parts) == [BATCH]
    assert [farm.run_of(job_id).status for job_id in batch.job_ids] == ["succeeded"] * 2


def _sent_meta(farm: Farm) -> str:
    meta = raw(farm.broker).hget("redbeat:metrics", "meta") or ""
    return str(meta) if "null" not in meta else ""


def _are_started(farm: Farm, count: int) -> bool:
    return len(farm.starts()) >= count


def _rest_waits_in_order(farm: Farm, job_ids: Sequence[str]) -> bool:
    waiting = list(farm.broker.lists.waiting_ids(BATCH))
    started = {start["job_id"] for start in farm.starts()}
    return not farm.broker.unacked.count() and waiting == [job_id for job_id in job_ids if job_id not in started]


def test_pauses_in_the_middle_of_a_sweep_leave_the_queue_in_its_order(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_WORKER_COUNT="12", GONEMASTER_RECONCILE_INTERVAL_SECONDS="3600")
    farm.start_worker("two", GONEMASTER_WORKER_COUNT="12", GONEMASTER_RECONCILE_INTERVAL_SECONDS="3600")
    batch = farm.submit_batch([f"b{number}-1.test" for number in range(450)])
    for done in (30, 120, 210):
        wait_until(partial(_are_started, farm, done), within_s=120, what="the sweep is under way")
        pause_queue(farm.parts)
        # A taken message is recorded as held after BRPOP. If a message is requeued and the other worker takes it, the
        # first worker's acknowledgement removes the record. An empty record therefore does not prove that all
        # messages are back.
        wait_until(partial(_rest_waits_in_order, farm, batch.job_ids), what="what was taken has started or is back")
        resume_queue(farm.parts)
    assert {farm.run_of(job_id, within_s=120).status for job_id in batch.job_ids} == {"succeeded"}
    assert len(farm.starts()) == 450


def test_a_pause_that_has_an_end_resumes_automatically(farm: Farm) -> None:
    farm.start_worker("one")
    end = utcnow() + timedelta(seconds=3)
    pause_queue(farm.parts, until=end)
    run = farm.run_of(farm.submit("n.test"))
    assert run.status == "succeeded"
    assert run.started_at is not None
    assert run.started_at >= end


def test_a_job_delivered_many_times_is_run_once(farm: Farm) -> None:
    pause_queue(farm.parts)
    job_id = farm.submit("once-300.test")
    for redelivered in (False, True, False, True):
        raw(farm.broker).lpush(NORMAL, build_message(job_id, NORMAL, redelivered=redelivered))
    farm.start_worker("one")
    farm.start_worker("two")
    resume_queue(farm.parts)
    farm.run_of(job_id)
    wait_until(
        lambda: not farm.broker.lists.depth(NORMAL) and not farm.broker.unacked.count(), what="all messages are gone"
    )
    assert len(farm.starts()) == 1


def test_a_result_that_cannot_be_stored_fails_its_own_job_only(farm: Farm) -> None:
    pause_queue(farm.parts)
    batch = farm.submit_batch([f"b{number}.test" for number in range(5)] + ["poison.test"])
    farm.start_worker("one")
    resume_queue(farm.parts)
    *good, poisoned = [farm.run_of(job_id) for job_id in batch.job_ids]
    assert {(run.status, run.entry_count) for run in good} == {("succeeded", ENTRIES)}
    assert (poisoned.status, poisoned.entry_count) == ("failed", 0)
    assert poisoned.error.startswith("graduation failed: IntegrityError")


@pytest.mark.core
def test_two_workers_share_and_a_killed_one_loses_and_doubles_nothing(farm: Farm) -> None:
    farm.start_beat()
    farm.start_worker("one")
    farm.start_worker("two")
    batch = farm.submit_batch([f"b{number}-700.test" for number in range(24)])
    wait_until(lambda: len({start["pid"] for start in farm.starts()}) == 2, what="both work")
    victims = {state.name: set(state.running) for state in farm.broker.workers.live()}
    farm.stop("one", signal.SIGKILL)
    runs = [farm.run_of(job_id, within_s=60) for job_id in batch.job_ids]
    assert {run.status for run in runs} == {"succeeded"}
    assert all(run.entry_count == ENTRIES for run in runs)
    starts = Counter(start["job_id"] for start in farm.starts())
    repeated = {job_id for job_id, count in starts.items() if count > 1}
    assert repeated
    assert {run.attempt for run in runs if run.id in repeated} == {2}
    # The killed worker may have claimed a job without having started its test.
    assert {run.attempt for run in runs} == {1, 2}
    assert max(starts.values()) == 2
    assert set(victims) == {state for state in victims if state.partition("@")[0] in ("one", "two")}


def test_a_job_that_kills_its_workers_is_given_up(farm: Farm) -> None:
    farm.start_beat()
    job_id = farm.submit("deadly-60000.test")
    for attempt in (1, 2):
        name = f"worker{attempt}"
        farm.start_worker(name, GONEMASTER_MAX_ATTEMPTS="2")
        wait_until(partial(_has_started, farm, attempt), what=f"start {attempt}")
        farm.stop(name, signal.SIGKILL)
    farm.start_worker("last", GONEMASTER_MAX_ATTEMPTS="2")
    run = farm.run_of(job_id)
    assert (run.status, run.error) == ("failed", "abandoned after 2 attempts")


def _has_started(farm: Farm, times: int) -> bool:
    return len(farm.starts()) == times


@pytest.mark.core
def test_cancel_ends_a_running_job_long_before_its_lease_is_checked(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_LEASE_SECONDS="3600")
    job_id = farm.submit("long-600000.test")
    wait_until(lambda: farm.started(job_id), what="start")
    assert str(cancel_job(farm.parts, job_id).status) == "running"
    run = farm.run_of(job_id)
    assert (run.status, run.error) == ("canceled", "canceled")
    assert str(cancel_job(farm.parts, job_id).status) == "canceled"


def test_a_cancel_without_broadcast_is_found_by_the_lease(farm: Farm) -> None:
    farm.start_worker("one")
    job_id = farm.submit("long-60000.test")
    wait_until(lambda: farm.started(job_id), what="start")
    farm.store.run_in_transaction(lambda session: request_cancel(session, job_id, now=utcnow()))
    assert farm.run_of(job_id).status == "canceled"


def test_cancel_of_a_waiting_job_removes_its_message_and_it_never_starts(farm: Farm) -> None:
    first, second = farm.submit("a.test"), farm.submit("b.test")
    assert str(cancel_job(farm.parts, first).status) == "canceled"
    assert list(farm.broker.lists.waiting_ids(NORMAL)) == [second]
    farm.broker.lists.enqueue(first, NORMAL)  # a leftover message
    farm.start_worker("one")
    farm.run_of(second)
    wait_until(
        lambda: not farm.broker.lists.depth(NORMAL) and not farm.broker.unacked.count(), what="all messages are gone"
    )
    assert [start["job_id"] for start in farm.starts()] == [second]


def test_ten_thousand_jobs_are_queued_at_once_and_a_normal_job_overtakes_them(farm: Farm) -> None:
    batch = farm.submit_batch([f"b{number}-100.test" for number in range(10_000)])
    assert (batch.job_count, len(batch.job_ids)) == (10_000, 10_000)
    assert list(farm.broker.lists.waiting_ids(BATCH)) == list(batch.job_ids)
    farm.start_worker("one", GONEMASTER_RESERVED_NORMAL_SLOTS="0")
    wait_until(lambda: len(farm.starts()) >= 8, what="batch is under way")
    job_id = farm.submit("n.test")
    started_before = len(farm.starts())
    wait_until(lambda: farm.started(job_id), what="the normal job starts")
    order = [start["job_id"] for start in farm.starts()]
    # Each slot may be about to record the start of a job that it took before.
    assert order.index(job_id) < started_before + 8


def test_an_emptied_broker_is_filled_again_in_order_with_its_pauses_and_schedules(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_WORKER_COUNT="1", GONEMASTER_RECONCILE_INTERVAL_SECONDS="3600")
    wait_until(lambda: farm.broker.marks.controls().epoch, what="first reconciliation")
    running = farm.submit("long-1500.test")
    wait_until(lambda: farm.started(running), what="start")
    pause_queue(farm.parts, [BATCH])
    batch = farm.submit_batch(["b1.test", "b2.test", "b3.test"])
    normal = [farm.submit(f"n{number}.test") for number in range(5)]
    raw(farm.broker).flushall()
    runs = [farm.run_of(job_id) for job_id in (running, *normal)]
    assert [run.status for run in runs] == ["succeeded"] * 6
    assert [start["job_id"] for start in farm.starts()] == [running, *normal]
    assert list(farm.broker.lists.waiting_ids(BATCH)) == list(batch.job_ids)
    assert BATCH in farm.broker.marks.controls().paused
    assert raw(farm.broker).zscore("redbeat::schedule", "redbeat:metrics")


def test_a_message_lost_on_its_way_is_written_again(farm: Farm) -> None:
    job = farm.store.run_in_transaction(
        lambda session: create_job(session, NewJob("lost.test"))
    )  # without a message, because the API died
    farm.start_worker("one")
    assert farm.run_of(job.id).status == "succeeded"


@pytest.mark.core
def test_a_warm_stop_lets_running_jobs_end_and_leaves_the_rest_waiting(farm: Farm) -> None:
    batch = farm.submit_batch([f"b{number}-3000.test" for number in range(8)])
    farm.start_worker("one")
    wait_until(lambda: len(farm.starts()) == 3, what="start")
    assert farm.stop("one") == 0
    states = Counter(farm.status(job_id) for job_id in batch.job_ids)
    assert states == {"succeeded": 3, "queued": 5}
    assert list(farm.broker.lists.waiting_ids(BATCH)) == list(batch.job_ids[3:])
    assert farm.broker.unacked.count() == 0


def test_a_warm_stop_queues_jobs_again_that_take_too_long(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_DRAIN_TIMEOUT="300ms")
    job_id = farm.submit("long-600000.test")
    wait_until(lambda: farm.started(job_id), what="start")
    assert farm.stop("one") == 0
    assert farm.status(job_id) == "queued"
    assert list(farm.broker.lists.waiting_ids(NORMAL)) == [job_id]
    farm.start_worker("two")
    wait_until(lambda: len(farm.starts()) == 2, what="the second start")


def test_workers_answer_who_controls_them(farm: Farm) -> None:
    farm.start_worker("one")
    answers = farm.parts.celery.control.inspect(timeout=20, limit=1).ping()
    assert [name.partition("@")[0] for name in answers or ()] == ["one"]
