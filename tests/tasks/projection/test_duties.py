"""The duties through which workers project, capture and remove: one worker at a time, stopped at once."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gonemaster_db.clock import utcnow
from gonemaster_db.models import CohortSnapshot, SnapshotStatus, SnapshotView
from gonemaster_db.repositories.analysis.snapshots import purge_snapshot
from gonemaster_db.repositories.analysis.views import READERS_END
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.projection.projector import Projector
from gonemaster_tasks.maintenance.snapshots import capture_due, project_due, remove_discarded
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import run_batch
from tests.support.rows import queue_job

NAMES = ["a.example", "b.example", "c.example"]


@pytest.fixture
def snapshot_of_parts(parts: QueueParts) -> QueueParts:
    """Runs of a batch that nobody has looked at."""
    make_cohort(parts.store)
    run_batch(parts.store, make_batch(parts.store), NAMES)
    return parts


def project(parts: QueueParts, *, stopped: bool = False) -> int:
    return project_due(parts.store, parts.broker, Projector(), floor="NOTICE", now=utcnow, stopped=lambda: stopped)


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
