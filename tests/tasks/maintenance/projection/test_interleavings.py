"""Projectors, captures, late runs, retention, rebuilds and deletions run concurrently; the result is consistent."""

import random
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gonemaster_db.analysis.capture import materialise
from gonemaster_db.analysis.cohorts import get_cohort
from gonemaster_db.analysis.projections import due_captures
from gonemaster_db.analysis.rebuilding import rebuild_cohort
from gonemaster_db.analysis.snapshots import list_snapshots, rematerialise
from gonemaster_db.batches.deletion import delete_batch, purge_finished_before
from gonemaster_db.core.errors import BatchNotFound, MaterialisationRunning, ReferenceGone, SourceRunsPurged
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    FACT_TABLES,
    Batch,
    Cohort,
    CohortSnapshot,
    FactDomainSummary,
    Projection,
    Run,
    RunStatus,
    SnapshotDomain,
    SnapshotStatus,
)
from gonemaster_tasks.maintenance.projection import projector
from gonemaster_tasks.maintenance.projection.projector import Projector
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import run_batch
from tests.support.rows import NOON
from tests.tasks.maintenance.projection.test_lifecycle import settle, sweep_up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = [f"d{number}.example" for number in range(12)]
ROUNDS = 12


class Players:
    """The concurrent actions; each is safe at any moment."""

    def __init__(self, store: Store, cohort: Cohort, batches: list[Batch], seed: int) -> None:
        self.store, self.cohort, self.batches, self.seed = store, cohort, batches, seed
        self.failures: list[Exception] = []

    def play(self) -> None:
        actions: Mapping[str, Callable[[random.Random], None]] = {
            "projector": lambda rng: self.project(),
            "other projector": lambda rng: self.project(),
            "capturer": lambda rng: self.capture(),
            "workers": self.run,
            "operator": self.operate,
            "retention": self.purge,
        }
        threads = [
            threading.Thread(target=self._repeat, args=(action, random.Random(f"{self.seed} {name}")))
            for name, action in actions.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert self.failures == []

    def _repeat(self, action: Callable[[random.Random], None], rng: random.Random) -> None:
        try:
            for _ in range(ROUNDS):
                action(rng)
        except Exception as error:  # noqa: BLE001  # told in the end
            self.failures.append(error)

    def project(self) -> None:
        Projector().project(self.store, floor="NOTICE", now=lambda: NOON)

    def capture(self) -> None:
        with self.store.read_only() as session:
            due = due_captures(session)
        for number in due:
            materialise(self.store, number, now=lambda: NOON)

    def run(self, rng: random.Random) -> None:
        batch = rng.choice(self.batches[:-1])
        at = NOON + timedelta(seconds=rng.randrange(3600))
        run_batch(self.store, batch, [rng.choice(NAMES)], at=at, seed=rng.randrange(100))

    def operate(self, rng: random.Random) -> None:
        chosen = rng.randrange(4)
        if chosen == 0:
            self.store.run_in_transaction(
                lambda session: rebuild_cohort(
                    session, get_cohort(session, self.cohort.id, lock=True), floor="NOTICE", now=NOON
                )
            )
        elif chosen == 1:
            with suppress(BatchNotFound):
                self.store.run_in_transaction(lambda session: delete_batch(session, self.batches[-1].id))
        else:
            self._rebuild_view(rng)

    def _rebuild_view(self, rng: random.Random) -> None:
        def rebuild(session: Any) -> None:
            if snapshots := list_snapshots(session, self.cohort.id):
                slug = rng.choice(snapshots).slug
                rematerialise(session, self.cohort.id, slug, floor="NOTICE", now=NOON)

        with suppress(MaterialisationRunning, SourceRunsPurged, ReferenceGone):
            self.store.run_in_transaction(rebuild)

    def purge(self, rng: random.Random) -> None:
        cutoff = NOON + timedelta(seconds=rng.randrange(600))
        self.store.run_in_transaction(lambda session: purge_finished_before(session, cutoff, limit=2))


@pytest.mark.parametrize("seed", [1, 2])
def test_in_the_end_everything_agrees(store: Store, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(projector, "RUNS_AT_A_TIME", 3)
    cohort = make_cohort(store)
    # Late runs let the cohort grow. The last batch, which has no tag, belongs to it since it tested all members.
    tags = [("tld",), ("tld",), ()]
    batches = [make_batch(store, now=NOON - timedelta(days=number), tags=of) for number, of in enumerate(tags)]
    for batch in batches:
        run_batch(store, batch, NAMES[:6])
    settle(store)
    Players(store, cohort, batches, seed).play()
    settle(store)
    settle(store)
    sweep_up(store, NOON + timedelta(days=10_000))
    sweep_up(store, NOON + timedelta(days=10_000))
    check(store, cohort)


def check(store: Store, cohort: Cohort) -> None:
    with store.read_only() as session:
        snapshots = {one.id: one for one in list_snapshots(session, cohort.id)}
        assert {one.id for one in session.scalars(select(CohortSnapshot))} == snapshots.keys()
        for table in (*FACT_TABLES, Projection):
            assert set(session.scalars(select(table.snapshot_id))) <= snapshots.keys()  # type: ignore[attr-defined]
        for snapshot in snapshots.values():
            assert snapshot.status is SnapshotStatus.CAPTURED
            assert snapshot.captured_revision == snapshot.facts_revision
            mine = FactDomainSummary.snapshot_id == snapshot.id
            facts = {one.name: one for one in session.scalars(select(FactDomainSummary).where(mine))}
            shown = select(SnapshotDomain).where(SnapshotDomain.view_id == snapshot.view_id)
            view = {one.name: one for one in session.scalars(shown)}
            assert {name: one.run_id for name, one in view.items()} == {name: one.run_id for name, one in facts.items()}
            runs = session.scalars(select(Run).where(Run.batch_key == snapshot.batch_key)).all()
            projected = set(session.scalars(select(Projection.run_key).where(Projection.snapshot_id == snapshot.id)))
            assert {run.key for run in runs if run.status is RunStatus.SUCCEEDED} <= projected
            for run in runs:  # facts are of the last run, or of a later one that was deleted
                assert (facts[run.domain].finished_at, facts[run.domain].run_id) >= (run.finished_at, run.id)
        with_runs = set(session.scalars(select(Run.batch_key)))
        assert {one.batch_key for one in snapshots.values()} >= with_runs
