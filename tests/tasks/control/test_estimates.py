"""Estimates are based on measurements; without measurements there are none."""

from datetime import datetime, timedelta

import pytest

from gonemaster_db.batches.batches import summarise_batch
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewJob, RunRecord
from gonemaster_db.models import RunStatus
from gonemaster_db.queue.jobs import claim_job, get_job
from gonemaster_db.queue.queue_ranks import batch_spans
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_tasks.control.order import hold_job, release_job
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.pause import pause_queue
from gonemaster_tasks.control.submit import submit_job
from gonemaster_tasks.monitoring.estimates import Estimate, estimate_batches, estimate_jobs, measure_rate, read_forecast
from gonemaster_tasks.queues import BATCH, NORMAL
from tests.tasks.rows import LEASE, queue_batch, start


def finish(parts: QueueParts, job_id: str, *, seconds_ago: float, took_s: float) -> None:
    ended = utcnow() - timedelta(seconds=seconds_ago)
    with parts.store.transaction() as session:
        job = claim_job(session, job_id, worker="w", now=ended - timedelta(seconds=took_s), lease=LEASE)
        assert job
        record = RunRecord(RunStatus.SUCCEEDED, ended)
        graduate_job(session, job_id, worker="w", attempt=job.attempt, record=record)
    parts.broker.lists.remove([job_id], BATCH)


def estimate(parts: QueueParts, job_id: str, now: datetime) -> Estimate:
    with parts.store.read_only() as session:
        return estimate_jobs(session, [get_job(session, job_id)], read_forecast(session, now=now))[job_id]


def estimate_batch_of(parts: QueueParts, job_id: str, now: datetime) -> Estimate:
    with parts.store.read_only() as session:
        batch_id = get_job(session, job_id).batch_id
        assert batch_id
        begun = {batch_id: summarise_batch(session, batch_id).started_at}
        forecast = read_forecast(session, now=now)
        return estimate_batches(session, batch_spans(session, [batch_id]), forecast, started=begun)[batch_id]


@pytest.fixture
def measured(parts: QueueParts) -> list[str]:
    """A batch of twenty jobs of two seconds each: ten have finished, one per second, and the next one runs."""
    ids = queue_batch(parts, 20)
    for number in range(10):
        finish(parts, ids[number], seconds_ago=10 - number, took_s=2)
    start(parts, ids[10])
    return ids


def test_without_measured_runs_nothing_is_guessed(parts: QueueParts) -> None:
    first, second = queue_batch(parts, 2)
    start(parts, first)
    assert estimate(parts, second, utcnow()) == Estimate(1, 0, None, None)
    running = estimate(parts, first, utcnow())
    assert running.expected_start_at
    assert running.expected_finish_at is None
    assert estimate_batch_of(parts, second, utcnow()).expected_finish_at is None


def test_estimates_follow_the_measured_rate(parts: QueueParts, measured: list[str]) -> None:
    submit_job(parts, NewJob("n.example"))
    now = utcnow()
    with parts.store.read_only() as session:
        rate = measure_rate(session, now=now)
    last, running = estimate(parts, measured[19], now), estimate(parts, measured[10], now)
    assert rate
    assert rate.per_second == pytest.approx(1, rel=0.2)
    assert rate.mean_duration == timedelta(seconds=2)
    assert (last.position, last.ahead) == (9, 9)
    assert last.expected_start_at
    assert last.expected_finish_at
    assert last.expected_start_at - now == timedelta(seconds=9 / rate.per_second)
    assert last.expected_finish_at - last.expected_start_at == timedelta(seconds=2)
    assert running.expected_finish_at
    assert timedelta(0) <= running.expected_finish_at - now <= timedelta(seconds=2)


def test_a_batch_ends_with_its_last_job_and_has_begun_with_its_first(parts: QueueParts, measured: list[str]) -> None:
    now = utcnow()
    batch = estimate_batch_of(parts, measured[19], now)
    assert (batch.position, batch.ahead) == (1, 0)
    assert batch.expected_start_at
    assert batch.expected_start_at < now
    assert batch.expected_finish_at == estimate(parts, measured[19], now).expected_finish_at


def test_a_second_batch_starts_behind_the_first(parts: QueueParts, measured: list[str]) -> None:
    now = utcnow()
    ids = queue_batch(parts, 3)
    second = estimate_batch_of(parts, ids[0], now)
    assert (second.position, second.ahead) == (10, 9)
    assert second.expected_start_at == estimate(parts, ids[0], now).expected_start_at
    assert second.expected_finish_at == estimate(parts, ids[2], now).expected_finish_at


def test_a_batch_whose_jobs_all_run_ends_with_the_one_that_started_last(parts: QueueParts) -> None:
    ids = queue_batch(parts, 5)
    for number in range(3):
        finish(parts, ids[number], seconds_ago=4 - number, took_s=30)
    start(parts, ids[3])
    start(parts, ids[4])
    now = utcnow()
    batch = estimate_batch_of(parts, ids[4], now)
    assert (batch.position, batch.ahead) == (None, None)
    assert batch.expected_finish_at == estimate(parts, ids[4], now).expected_finish_at


def test_held_jobs_have_no_times_and_leave_their_batch_without_an_end(parts: QueueParts, measured: list[str]) -> None:
    hold_job(parts, measured[15])
    assert estimate(parts, measured[15], utcnow()) == Estimate()
    assert estimate(parts, measured[19], utcnow()).position == 8
    assert estimate_batch_of(parts, measured[19], utcnow()).expected_finish_at is None
    release_job(parts, measured[15])
    assert estimate_batch_of(parts, measured[19], utcnow()).expected_finish_at


def test_a_tier_that_is_paused_without_an_end_has_no_times(parts: QueueParts, measured: list[str]) -> None:
    pause_queue(parts, [BATCH])
    assert estimate(parts, measured[19], utcnow()) == Estimate(9, 8, None, None)
    assert estimate_batch_of(parts, measured[19], utcnow()).expected_finish_at is None


def test_a_pause_with_an_end_delays_what_waits(parts: QueueParts, measured: list[str]) -> None:
    until = utcnow() + timedelta(hours=1)
    pause_queue(parts, [BATCH], until=until)
    start_at = estimate(parts, measured[11], utcnow()).expected_start_at
    assert start_at == until


def test_stalled_normal_jobs_hold_up_no_batch_job(parts: QueueParts, measured: list[str]) -> None:
    normal = [submit_job(parts, NewJob(f"n{number}.example")).id for number in range(3)]
    assert estimate(parts, measured[11], utcnow()).ahead == 3
    pause_queue(parts, [NORMAL])
    assert estimate(parts, measured[11], utcnow()).ahead == 0
    assert estimate(parts, normal[2], utcnow()) == Estimate(3, 2, None, None)
