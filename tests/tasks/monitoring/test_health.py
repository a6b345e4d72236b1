"""Issues of the queue are detected."""

import signal
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewJob
from gonemaster_db.models import Cohort, OperationKind, Tag
from gonemaster_db.queue.jobs import claim_job, create_job
from gonemaster_db.service.operations import claim_next_operation, create_operation, finish_operation
from gonemaster_db.service.schedules import ScheduleTarget
from gonemaster_tasks.broker.keys import DUTIES
from gonemaster_tasks.broker.processes.maintenance_times import PURGE, REAP
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.control.schedules import set_schedule
from gonemaster_tasks.maintenance.recurring import run_due_schedules
from gonemaster_tasks.monitoring import jobs
from gonemaster_tasks.monitoring.health import count_issues, find_issues
from gonemaster_tasks.monitoring.issues import KINDS
from gonemaster_tasks.queues import BATCH, MAINTENANCE, NORMAL
from gonemaster_tasks.schedule import restore_entries
from tests.support.redis import confirm_tiers, raw
from tests.support.rows import NOON
from tests.support.schedules import DAILY, fill_tag, make_due, schedule
from tests.support.workers import Farm, wait_until
from tests.tasks.rows import LEASE, queue_batch, start

LIFE = timedelta(seconds=30)


def issues(parts: QueueParts, **settings: int) -> dict[str, str]:
    """Return the subjects of the issues by kind."""
    found = find_issues(parts, Settings(**settings))  # type: ignore[arg-type]  # only numbers are given
    assert {issue.kind for issue in found} <= set(KINDS)
    return {issue.kind: issue.subject for issue in found}


@pytest.fixture
def sound(parts: QueueParts) -> QueueParts:
    """A queue with a worker, a beat and its schedule."""
    raw(parts.broker).set("redbeat::lock", "beat")
    restore_entries(parts.celery, parts.broker)
    confirm_tiers(parts.broker)
    show_worker(parts)
    later = parts.broker.time() + 3600  # regardless of the duration of the test
    raw(parts.broker).hset(DUTIES, mapping=dict.fromkeys((REAP, PURGE), later))
    return parts


def show_worker(parts: QueueParts, **running: float) -> None:
    state = WorkerState("w@h", "h", 1, (NORMAL, BATCH), 4, running, 0.0)
    parts.broker.workers.register(state, LIFE)


def test_a_maintenance_queue_without_a_worker_is_an_issue(sound: QueueParts) -> None:
    sound.broker.lists.call_operate()
    assert issues(sound) == {"maintenance_idle": "maintenance"}
    sound.broker.workers.register(WorkerState("m@h", "h", 1, (MAINTENANCE,), 1, {}, 0.0), LIFE)
    assert issues(sound) == {}


def test_a_sound_queue_has_no_issues(sound: QueueParts) -> None:
    queue_batch(sound, 3)
    assert issues(sound) == {}


def test_a_job_without_progress_is_found_on_its_living_worker(sound: QueueParts) -> None:
    show_worker(sound, job_1=time.time() - 300, job_2=time.time())
    assert issues(sound, stuck_job_timeout_minutes=5) == {"job_stalled": "job_1"}
    assert issues(sound, stuck_job_timeout_minutes=0) == {}


def test_an_overdue_or_failed_operation_is_found(sound: QueueParts) -> None:
    old = utcnow() - timedelta(minutes=10)
    with sound.store.transaction() as session:
        made = create_operation(session, OperationKind.PURGE_TAG, target="t", total=1, who="ops", now=old)
        later = create_operation(session, OperationKind.PURGE_TAG, target="u", total=1, who="ops", now=old)
    assert issues(sound, reconcile_interval_seconds=600) == {}
    found = [issue for issue in find_issues(sound, Settings()) if issue.kind == "operation_stalled"]
    assert [issue.subject for issue in found] == [made.id, later.id]
    with sound.store.transaction() as session:
        claim_next_operation(session, worker="w", now=utcnow(), lease=LEASE)
    assert issues(sound) == {}  # the other batch waits in the queue
    with sound.store.transaction() as session:
        finish_operation(session, made.id, worker="w", now=utcnow(), error="broken")
        claim_next_operation(session, worker="w2", now=utcnow(), lease=LEASE)
    assert issues(sound) == {"operation_failed": made.id}


def test_an_overdue_or_failed_schedule_is_found(sound: QueueParts) -> None:
    now = sound.clock.now()
    fill_tag(sound.store, "mine")
    made = schedule(sound.store, "mine", due_at=now - timedelta(hours=1))
    make_due(sound.store, [made], at=now + timedelta(hours=1))
    assert issues(sound) == {}
    make_due(sound.store, [made], at=now - timedelta(minutes=5))
    assert issues(sound) == {"schedule_overdue": "mine"}
    assert issues(sound, scheduler_interval_seconds=600) == issues(sound, scheduler_enabled=False) == {}
    assert run_due_schedules(sound, max_batch_size=2) == ["error"]
    assert issues(sound) == {"schedule_failed": "mine"}
    with sound.store.transaction() as session:
        set_schedule(session, ScheduleTarget(tag="mine"), DAILY, now=sound.clock.now())
    assert issues(sound) == {}


def test_a_tier_that_should_move_and_does_not_is_found(sound: QueueParts) -> None:
    with sound.store.transaction() as session:
        create_job(session, NewJob("old.example"), now=utcnow() - timedelta(minutes=10))
        job = create_job(session, NewJob("old.example", priority=1), now=utcnow() - timedelta(minutes=10))
    sound.broker.lists.enqueue_many([job.id], BATCH)
    assert issues(sound, stuck_job_timeout_minutes=5)["tier_stalled"] == BATCH
    pause_queue(sound, [BATCH])
    assert issues(sound, stuck_job_timeout_minutes=5)["tier_stalled"] == NORMAL
    assert "tier_stalled" not in issues(sound, stuck_job_timeout_minutes=20)
    resume_queue(sound)
    assert "tier_stalled" not in issues(sound, stuck_job_timeout_minutes=5)  # the batch may start to move now


def test_a_tier_in_which_a_job_runs_moves(sound: QueueParts) -> None:
    with sound.store.transaction() as session:
        old = [create_job(session, NewJob("old.example"), now=utcnow() - timedelta(minutes=10)) for _ in range(2)]
    sound.broker.lists.enqueue(old[1].id, NORMAL)
    start(sound, old[0].id)
    assert "tier_stalled" not in issues(sound, stuck_job_timeout_minutes=5)


def test_issues_are_counted_by_kind_for_metrics(sound: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "GRACE", timedelta(0))
    settings = replace(Settings(), reconcile_interval_seconds=1)
    sound.broker.lists.enqueue_many(["job_stray1", "job_stray2"], BATCH)
    queue_batch(sound, 3)
    sound.broker.workers.unregister("w@h")
    wait_until(lambda: count_issues(find_issues(sound, settings))["message_without_row"], what="a lasting mismatch")
    counts = count_issues(find_issues(sound, settings))
    assert set(counts) == set(KINDS)
    assert {kind: count for kind, count in counts.items() if count} == {"message_without_row": 2, "no_worker": 3}


def test_what_happens_to_real_processes_is_found(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "GRACE", timedelta(0))
    quiet: dict[str, Any] = {
        "GONEMASTER_RECONCILE_INTERVAL_SECONDS": "3600"
    }  # otherwise the service would fix all of them within a second
    confirm_tiers(farm.broker)
    minutes: Any = 0.02  # part of a message
    settings = replace(
        Settings(), reap_interval_seconds=1, reconcile_interval_seconds=1, stuck_job_timeout_minutes=minutes
    )

    def found() -> dict[str, str]:
        return {issue.kind: issue.subject for issue in find_issues(farm.parts, settings)}

    farm.start_worker("one", **quiet)
    farm.start_beat(**quiet)
    wait_until(lambda: found() == {}, within_s=120, what="a sound service")

    stubborn = farm.submit("stubborn-600000.test")
    wait_until(lambda: found() == {"job_stalled": stubborn}, within_s=120)
    raw(farm.broker).delete("redbeat::schedule")
    wait_until(lambda: {"job_stalled", "schedule_missing"} == set(found()), within_s=120)
    farm.stop("beat")
    wait_until(lambda: {"job_stalled", "schedule_missing", "beat_absent"} == set(found()), within_s=120)

    farm.stop("one", signal.SIGKILL)
    farm.submit("late.test")
    wait_until(lambda: found().get("lease_ended") == stubborn and found().get("no_worker") == NORMAL, within_s=120)
    raw(farm.broker).delete(NORMAL)
    wait_until(lambda: found().get("row_without_message") == NORMAL, within_s=120)


def test_an_unreaped_lease_is_found(sound: QueueParts) -> None:
    (job_id,) = queue_batch(sound, 1)
    with sound.store.transaction() as session:
        assert claim_job(session, job_id, worker="gone", now=utcnow() - timedelta(hours=1), lease=LEASE)
    sound.broker.lists.remove([job_id], BATCH)
    assert issues(sound) == {"lease_ended": job_id}


def test_rows_and_messages_that_do_not_match_are_found(sound: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    with sound.store.transaction() as session:
        create_job(session, NewJob("lost.example"), now=utcnow() - timedelta(minutes=1))
    sound.broker.lists.enqueue("job_stray", BATCH)
    assert issues(sound) == {}  # The reconciler may repair it.
    monkeypatch.setattr(jobs, "GRACE", timedelta(0))
    expected = {"row_without_message": NORMAL, "message_without_row": BATCH}
    wait_until(lambda: issues(sound, reconcile_interval_seconds=1) == expected, what="both")
    assert issues(sound, reconcile_interval_seconds=600) == {}


def test_one_reading_that_agrees_ends_a_mismatch(sound: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "GRACE", timedelta(0))
    sound.broker.lists.enqueue("job_stray", BATCH)
    wait_until(lambda: issues(sound, reconcile_interval_seconds=1) == {"message_without_row": BATCH}, what="it")
    sound.broker.lists.remove(["job_stray"], BATCH)
    assert issues(sound, reconcile_interval_seconds=1) == {}
    sound.broker.lists.enqueue("job_stray", BATCH)
    assert issues(sound, reconcile_interval_seconds=1) == {}


def test_a_redis_that_returned_with_older_files_is_found_while_jobs_wait(sound: QueueParts) -> None:
    sound.broker.marks.set_epoch("of another Redis")
    assert issues(sound) == {}
    queue_batch(sound, 1)
    assert issues(sound) == {"tiers_outdated": "redis"}


def test_a_tier_without_worker_is_found_unless_paused(sound: QueueParts) -> None:
    queue_batch(sound, 1)
    sound.broker.workers.unregister("w@h")
    assert issues(sound) == {"no_worker": BATCH}
    pause_queue(sound, [BATCH])
    assert issues(sound) == {}


def test_a_silent_beat_is_found(sound: QueueParts) -> None:
    raw(sound.broker).delete("redbeat::lock", "redbeat::schedule")
    found = find_issues(sound, Settings())
    assert {(issue.kind, issue.subject) for issue in found} == {
        ("beat_absent", "beat"),
        *(("schedule_missing", name) for name in sound.celery.conf.beat_schedule),
    }


def test_facts_that_cannot_be_written_are_found(sound: QueueParts) -> None:
    with sound.store.transaction() as session:
        session.add(Tag(name="tld", created_at=NOON))
        session.flush()
        times = {"created_at": NOON, "updated_at": NOON}
        session.add(Cohort(source_tag="tld", analysis_enabled=True, last_materialization_error="no space", **times))
    assert issues(sound) == {"facts_not_written": "tld"}
    (found,) = find_issues(sound, Settings())
    assert found.text == "cohort tld: no space"
