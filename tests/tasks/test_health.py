"""Stuck work is found, and estimates come from what was measured."""

import time
from datetime import timedelta

import pytest

from gonemaster_db.clock import utcnow
from gonemaster_db.models import RunStatus
from gonemaster_db.records import NewJob, RunRecord
from gonemaster_db.repositories.graduation import graduate_job
from gonemaster_db.repositories.jobs import claim_job, create_job, get_job
from gonemaster_tasks.broker import WorkerState
from gonemaster_tasks.control import QueueParts, pause_queue, submit_job
from gonemaster_tasks.estimates import estimate_batch, estimate_job, measure_rate
from gonemaster_tasks.health import KINDS, find_troubles
from gonemaster_tasks.queues import BATCH, NORMAL
from gonemaster_tasks.schedule import restore_entries
from gonemaster_tasks.settings import Settings
from tests.tasks.rows import LEASE, queue_batch, start

LIFE = timedelta(seconds=30)


def troubles(parts: QueueParts, **settings: int) -> dict[str, str]:
    """Kind to subject of what is found."""
    found = find_troubles(parts, Settings(**settings))  # type: ignore[arg-type]  # only numbers are given
    assert {trouble.kind for trouble in found} <= set(KINDS)
    return {trouble.kind: trouble.subject for trouble in found}


@pytest.fixture
def sound(parts: QueueParts) -> QueueParts:
    """A queue with a worker, a beat and its schedule."""
    parts.broker.client.set("redbeat::lock", "beat")
    restore_entries(parts.celery, parts.broker)
    show_worker(parts)
    return parts


def show_worker(parts: QueueParts, **running: float) -> None:
    state = WorkerState("w@h", "h", 1, (NORMAL, BATCH), 4, running, 0.0)
    parts.broker.register_worker(state, LIFE)


def test_a_sound_queue_has_no_troubles(sound: QueueParts) -> None:
    queue_batch(sound, 3)
    assert troubles(sound) == {}


def test_a_job_without_progress_is_found_on_its_living_worker(sound: QueueParts) -> None:
    show_worker(sound, job_1=time.time() - 300, job_2=time.time())
    assert troubles(sound, stuck_job_timeout_minutes=5) == {"job_stalled": "job_1"}
    assert troubles(sound, stuck_job_timeout_minutes=0) == {}


def test_a_lease_that_nobody_reaps_is_found(sound: QueueParts) -> None:
    (job_id,) = queue_batch(sound, 1)
    with sound.store.transaction() as session:
        assert claim_job(session, job_id, worker="gone", now=utcnow() - timedelta(hours=1), lease=LEASE)
    sound.broker.remove([job_id], BATCH)
    assert troubles(sound) == {"lease_ended": job_id}


def test_rows_and_messages_that_do_not_match_are_found(sound: QueueParts) -> None:
    with sound.store.transaction() as session:
        create_job(session, NewJob("lost.example"), now=utcnow() - timedelta(minutes=1))
    sound.broker.enqueue("job_stray", BATCH)
    assert troubles(sound) == {"row_without_message": NORMAL, "message_without_row": BATCH}


def test_a_tier_without_worker_is_found_unless_paused(sound: QueueParts) -> None:
    queue_batch(sound, 1)
    sound.broker.forget_worker("w@h")
    assert troubles(sound) == {"no_worker": BATCH}
    pause_queue(sound, [BATCH])
    assert troubles(sound) == {}


def test_a_silent_beat_is_found(sound: QueueParts) -> None:
    sound.broker.client.delete("redbeat::lock", "redbeat::schedule")
    assert troubles(sound) == {"beat_absent": "beat", "schedule_missing": "reap"}


def finish(parts: QueueParts, job_id: str, *, seconds_ago: float, took_s: float) -> None:
    ended = utcnow() - timedelta(seconds=seconds_ago)
    with parts.store.transaction() as session:
        job = claim_job(session, job_id, worker="w", now=ended - timedelta(seconds=took_s), lease=LEASE)
        assert job
        record = RunRecord(RunStatus.SUCCEEDED, ended)
        graduate_job(session, job_id, worker="w", attempt=job.attempt, record=record)
    parts.broker.remove([job_id], BATCH)


def test_without_measured_runs_nothing_is_guessed(parts: QueueParts) -> None:
    _, second = queue_batch(parts, 2)
    with parts.store.reading() as session:
        rate = measure_rate(session, now=utcnow())
        estimate = estimate_job(session, get_job(session, second), rate, now=utcnow())
    assert rate is None
    assert (estimate.position, estimate.ahead) == (2, 1)
    assert (estimate.expected_start_at, estimate.expected_finish_at) == (None, None)


def test_estimates_follow_the_measured_rate(parts: QueueParts) -> None:
    ids = queue_batch(parts, 20)
    for number in range(10):  # one a second, each taking two
        finish(parts, ids[number], seconds_ago=10 - number, took_s=2)
    start(parts, ids[10])
    submit_job(parts, NewJob("n.example"))
    now = utcnow()
    with parts.store.reading() as session:
        rate = measure_rate(session, now=now)
        assert rate
        last = estimate_job(session, get_job(session, ids[19]), rate, now=now)
        running = estimate_job(session, get_job(session, ids[10]), rate, now=now)
        batch = estimate_batch(session, get_job(session, ids[19]).batch_id or "", rate, now=now)
    assert rate.per_second == pytest.approx(1, rel=0.2)
    assert rate.mean_duration == timedelta(seconds=2)
    assert (last.position, last.ahead) == (9, 9)
    assert last.expected_start_at
    assert last.expected_finish_at
    assert (last.expected_start_at - now).total_seconds() == pytest.approx(9, rel=0.25)
    assert last.expected_finish_at - last.expected_start_at == timedelta(seconds=2)
    assert running.expected_finish_at
    assert timedelta(0) <= running.expected_finish_at - now <= timedelta(seconds=2)
    assert batch.expected_finish_at == last.expected_finish_at
    assert batch.expected_start_at
    assert batch.expected_start_at < now


def test_a_tier_that_is_paused_without_an_end_has_no_times(parts: QueueParts) -> None:
    ids = queue_batch(parts, 5)
    for number in range(4):
        finish(parts, ids[number], seconds_ago=4 - number, took_s=1)
    pause_queue(parts, [BATCH])
    with parts.store.reading() as session:
        rate = measure_rate(session, now=utcnow())
        estimate = estimate_job(session, get_job(session, ids[4]), rate, now=utcnow())
    assert (estimate.position, estimate.expected_start_at) == (1, None)
