"""The maintenance tasks that project, capture and remove: one worker at a time, stopped immediately on request."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gonemaster_db.analysis.snapshots import purge_snapshot
from gonemaster_db.analysis.views.views import READERS_END
from gonemaster_db.core.clock import utcnow
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.tags import tag_domains
from gonemaster_db.models import (
    Batch,
    Cohort,
    CohortSnapshot,
    Job,
    ScheduleOutcome,
    SnapshotStatus,
    SnapshotView,
)
from gonemaster_db.service.schedules import ScheduleTarget
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.recurring import run_due_schedules
from gonemaster_tasks.maintenance.snapshots import Projectors, capture_due, project_due, remove_discarded
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import run_batch, sweep_result
from tests.support.clocks import SetClock
from tests.support.rows import NOON, claim, finish_job, queue_job
from tests.support.schedules import fill_tag, make_due, schedule, scheduled_batches

NAMES = ["a.example", "b.example", "c.example"]


@pytest.fixture
def snapshot_of_parts(parts: QueueParts) -> QueueParts:
    """Unprocessed runs of a batch."""
    make_cohort(parts.store)
    run_batch(parts.store, make_batch(parts.store), NAMES)
    return parts


def project(parts: QueueParts, *, stopped: bool = False) -> int:
    return project_due(
        parts.store, parts.broker, Projectors(), None, floor="NOTICE", now=utcnow, stopped=lambda: stopped
    )


def capture(parts: QueueParts, *, stopped: bool = False) -> int:
    return capture_due(parts.store, parts.broker, scoring=DEFAULT_CONFIG, now=utcnow, stopped=lambda: stopped)


def read(parts: QueueParts) -> CohortSnapshot:
    with parts.store.read_only() as session:
        return session.scalars(select(CohortSnapshot)).one()


def test_runs_become_a_snapshot(snapshot_of_parts: QueueParts) -> None:
    assert project(snapshot_of_parts) == len(NAMES)
    assert capture(snapshot_of_parts) == 1
    snapshot = read(snapshot_of_parts)
    assert (snapshot.status, snapshot.scoring_config_hash) == (SnapshotStatus.CAPTURED, "default")
    assert snapshot.vocabulary_id is not None
    assert project(snapshot_of_parts) == capture(snapshot_of_parts) == 0


def test_one_worker_at_a_time(snapshot_of_parts: QueueParts) -> None:
    locks = snapshot_of_parts.broker.locks
    with locks.exclusive("projection"):
        assert project(snapshot_of_parts) == 0
    assert project(snapshot_of_parts) == len(NAMES)
    with locks.exclusive("capture"):
        assert capture(snapshot_of_parts) == 0
    assert capture(snapshot_of_parts) == 1


def test_a_worker_that_stops_leaves_it_to_the_next(snapshot_of_parts: QueueParts) -> None:
    assert project(snapshot_of_parts, stopped=True) == 0
    assert project(snapshot_of_parts) == len(NAMES)
    assert capture(snapshot_of_parts, stopped=True) == 0
    assert read(snapshot_of_parts).status is SnapshotStatus.PENDING
    assert capture(snapshot_of_parts) == 1


def test_an_unfinished_batch_is_not_captured(parts: QueueParts) -> None:
    make_cohort(parts.store)
    batch = make_batch(parts.store)
    run_batch(parts.store, batch, NAMES)
    queue_job(parts.store, "late.example", batch_id=batch.id)
    assert project(parts) == len(NAMES)
    assert capture(parts) == 0
    assert read(parts).status is SnapshotStatus.PENDING


def test_what_was_discarded_is_removed_when_its_readers_are_done(snapshot_of_parts: QueueParts) -> None:
    parts = snapshot_of_parts
    project(parts)
    capture(parts)
    snapshot = read(parts)
    with parts.store.transaction() as session:
        purge_snapshot(session, snapshot.cohort_id or 0, snapshot.slug, now=utcnow())
    remove_discarded(parts.store, now=utcnow, stopped=lambda: True)
    assert read(parts).id == snapshot.id
    remove_discarded(parts.store, now=utcnow)
    later = utcnow() + READERS_END + timedelta(minutes=1)
    remove_discarded(parts.store, now=lambda: later)
    with parts.store.read_only() as session:
        counts = [session.scalar(select(func.count()).select_from(table)) for table in (CohortSnapshot, SnapshotView)]
    assert counts == [0, 0]


def finish_scheduled(parts: QueueParts) -> None:
    """Submit the due schedules, test all jobs, project and capture."""
    assert run_due_schedules(replace(parts, clock=SetClock(NOON)), max_batch_size=100) == [ScheduleOutcome.SUBMITTED]
    with parts.store.read_only() as session:
        waiting = session.scalars(select(Job.id).order_by(Job.id)).all()
    for job_id in waiting:
        job = claim(parts.store, job_id)
        finish_job(parts.store, job, sweep_result(job.domain))
    assert project(parts) == len(waiting), "the other cohort shares the domains, and the batch was not made for it"
    assert capture(parts) == 1


def pins(parts: QueueParts) -> dict[str, str | None]:
    """Return the batch of the snapshot to which each cohort is pinned, by tag."""
    pinned = select(Cohort.source_tag, Batch.id).outerjoin(
        CohortSnapshot, CohortSnapshot.id == Cohort.default_snapshot_id
    )
    with parts.store.read_only() as session:
        rows = session.execute(pinned.outerjoin(Batch, Batch.key == CohortSnapshot.batch_key))
        return {row[0]: row[1] for row in rows}


def test_a_scheduled_batch_pins_the_snapshot_of_its_cohort(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store, "all")  # the first one: it contains all domains of the other
    mine = make_cohort(store, "mine")
    names = fill_tag(store, "mine")
    with store.transaction() as session:
        tag_domains(session, ["all"], ensure_domains(session, names, now=NOON).values(), now=NOON)
    due = schedule(store, ScheduleTarget(cohort_id=mine.id), promote_default=True)
    finish_scheduled(parts)
    (first,) = scheduled_batches(store)
    assert pins(parts) == {"all": None, "mine": first.id}
    with store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(CohortSnapshot)) == 1
        assert session.scalar(select(Batch.promote_snapshot)) is False
    make_due(store, [due], at=NOON)
    finish_scheduled(parts)
    _, second = scheduled_batches(store)
    assert pins(parts) == {"all": None, "mine": second.id}


def test_a_batch_of_no_cohort_pins_the_first_that_it_feeds(parts: QueueParts) -> None:
    store = parts.store
    first, second = (make_cohort(store, tag) for tag in ("tld", "other"))
    batch = make_batch(store, promote=True, tag="campaign")
    run_batch(store, batch, NAMES)
    with store.transaction() as session:
        tag_domains(session, [second.source_tag], ensure_domains(session, NAMES, now=NOON).values(), now=NOON)
    project(parts)
    assert capture(parts) == 2
    assert pins(parts) == {first.source_tag: batch.id, second.source_tag: None}
