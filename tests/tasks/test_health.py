"""Stuck work is found."""

import time
from datetime import timedelta

import pytest

from gonemaster_db.clock import utcnow
from gonemaster_db.records import NewJob
from gonemaster_db.repositories.jobs import claim_job, create_job
from gonemaster_tasks.broker import WorkerState
from gonemaster_tasks.control import QueueParts, pause_queue
from gonemaster_tasks.health import KINDS, find_troubles
from gonemaster_tasks.queues import BATCH, NORMAL
from gonemaster_tasks.schedule import restore_entries
from gonemaster_tasks.settings import Settings
from tests.tasks.rows import LEASE, queue_batch

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
    found = find_troubles(sound, Settings())
    assert {(trouble.kind, trouble.subject) for trouble in found} == {
        ("beat_absent", "beat"),
        ("schedule_missing", "reap"),
        ("schedule_missing", "purge"),
    }
