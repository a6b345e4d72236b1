"""Even if a projector or capturer is killed at any moment, visible data is complete and the next process finishes."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gonemaster_db.analysis.cohorts import get_cohort
from gonemaster_db.analysis.rebuilding import rebuild_cohort
from gonemaster_db.analysis.snapshots import rematerialise
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import (
    CohortSnapshot,
    FactDomainSummary,
    FactNsEndpoint,
    Projection,
    SnapshotDomain,
    SnapshotView,
)
from tests.support.analysis.cohorts import make_batch, make_cohort, read_snapshot
from tests.support.analysis.reference import stored_view
from tests.support.analysis.runs import project_all, run_batch
from tests.support.forked import Forked
from tests.support.rows import NOON
from tests.tasks.maintenance.projection.test_lifecycle import settle, sweep_up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = [f"d{number}.example" for number in range(5)]


Killed = Callable[[str, int, int], bool]


@pytest.fixture
def killed(store_settings: StoreSettings, tmp_path: Path) -> Killed:
    """Let a process do the work: `killed(what, snapshot_id, calls)`; returns whether it was killed before the end."""
    log = tmp_path / "killed.log"
    log.touch()

    def work(what: str, snapshot_id: int, calls: int) -> bool:
        arguments = [store_settings.driver, store_settings.dsn, what, str(snapshot_id), str(calls)]
        code = Forked("tests.support.analysis.killed_work", arguments, environ=os.environ, log=log).wait()
        assert code in (0, -signal.SIGKILL), log.read_text()
        return code != 0

    return work


def test_a_killed_capture_is_not_visible(store: Store, killed: Killed) -> None:
    cohort, batch = make_cohort(store), make_batch(store)
    run_batch(store, batch, NAMES)
    settle(store, NOON)
    with store.read_only() as session:
        snapshot = session.scalars(select(CohortSnapshot)).one()
        before = stored_view(session, snapshot.view_id)
    run_batch(store, batch, ["late.example"], at=NOON + timedelta(minutes=1))
    project_all(store)
    deaths = 0
    for calls in count(1):
        if not killed("capture", snapshot.id, calls):
            break
        deaths += 1
        assert read_snapshot(store, snapshot.id).view_id == snapshot.view_id
        with store.read_only() as session:
            assert stored_view(session, snapshot.view_id) == before
    assert deaths > len(NAMES)
    with store.read_only() as session:
        names = select(SnapshotDomain.name).where(SnapshotDomain.view_id == read_snapshot(store, snapshot.id).view_id)
        assert set(session.scalars(names)) == {*NAMES, "late.example"}
        assert (session.scalar(select(func.count()).select_from(SnapshotView)) or 0) > deaths // 2
    for _ in range(deaths):  # a few processes in parallel
        sweep_up(store, NOON + timedelta(days=30))
    with store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(SnapshotView)) == 1
    assert cohort.id


@pytest.mark.parametrize("what", ["rebuild", "rematerialise"])
def test_a_killed_projector_leaves_nothing_out_and_nothing_twice(store: Store, killed: Killed, what: str) -> None:
    cohort = make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    settle(store, NOON)
    with store.read_only() as session:
        snapshot = session.scalars(select(CohortSnapshot)).one()
        before = stored_view(session, snapshot.view_id)
    with store.transaction() as session:
        if what == "rebuild":
            rebuild_cohort(session, get_cohort(session, cohort.id, lock=True), floor="NOTICE", now=NOON)
        else:
            rematerialise(session, cohort.id, snapshot.slug, floor="NOTICE", now=NOON)
    deaths = 0
    while killed("project", 0, deaths + 1):
        deaths += 1
    assert deaths >= 3
    settle(store, NOON + timedelta(days=2))
    sweep_up(store, NOON + timedelta(days=30))
    with store.read_only() as session:
        (anew,) = session.scalars(select(CohortSnapshot).where(CohortSnapshot.cohort_id == cohort.id))
        assert stored_view(session, anew.view_id) == before
        for table in (FactDomainSummary, Projection):
            assert session.scalar(select(func.count()).select_from(table)) == len(NAMES)
        assert set(session.scalars(select(FactNsEndpoint.snapshot_id))) == {anew.id}
