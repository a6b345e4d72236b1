"""Runs of batches with snapshot intent become facts of the cohorts of their domains: each run exactly once."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.batches.deletion import purge_finished_before
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    FACT_TABLES,
    Batch,
    Cohort,
    CohortSnapshot,
    FactDomainSummary,
    Projection,
    RunDocument,
    RunStatus,
)
from gonemaster_tasks.maintenance.projection.projector import Projector
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import project_all, run_batch, sweep_result
from tests.support.rows import NOON, make_run

NAMES = [f"d{number}.example" for number in range(7)]


def count(store: Store, table: Any, *conditions: Any) -> int:
    with store.read_only() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def only_snapshot(store: Store) -> CohortSnapshot:
    with store.read_only() as session:
        return session.scalars(select(CohortSnapshot)).one()


def test_each_run_is_projected_once(store: Store) -> None:
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    assert project_all(store) == len(NAMES)
    assert project_all(store) == 0
    snapshot = only_snapshot(store)
    assert (snapshot.seen_runs, snapshot.facts_revision) == (len(NAMES), 1)
    assert count(store, FactDomainSummary) == count(store, Projection) == len(NAMES)
    assert all(count(store, table) for table in FACT_TABLES)
    assert materialise(store, snapshot.id, now=lambda: NOON) is Capture.CAPTURED


def test_the_slug_is_date_and_digest_of_the_batch(store: Store) -> None:
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES[:1])
    project_all(store)
    slug = only_snapshot(store).slug
    assert slug.startswith("2026-11-25-")
    assert len(slug) == len("2026-11-25-") + 12


def test_what_does_not_count(store: Store) -> None:
    make_cohort(store)
    make_cohort(store, "off", analysis_enabled=False, public_enabled=False)
    batch = make_batch(store, tag="tld")
    run_batch(store, batch, NAMES[:1], tag="other")
    run_batch(store, batch, NAMES[1:2], tag="off")
    failed = sweep_result(NAMES[2], status=RunStatus.FAILED)
    make_run(store, NAMES[2], failed, batch_id=batch.id, config={"tags": ["tld"]})
    make_run(store, NAMES[3], sweep_result(NAMES[3]), config={"tags": ["tld"]})
    with store.transaction() as session:
        session.execute(update(Batch).values(snapshot_intent=False))
    run_batch(store, batch, NAMES[4:5])
    assert project_all(store) == 0
    with store.transaction() as session:
        session.execute(update(Batch).values(snapshot_intent=True))
    assert project_all(store) == 1
    assert count(store, CohortSnapshot) == 1


def test_a_domain_of_two_cohorts_is_in_both(store: Store) -> None:
    for tag in ("tld", "second"):
        make_cohort(store, tag)
    batch = make_batch(store)
    for name in NAMES[:2]:
        make_run(store, name, sweep_result(name), batch_id=batch.id, config={"tags": ["tld", "second"]})
    assert project_all(store) == 4
    assert count(store, CohortSnapshot) == 2


def test_of_two_runs_of_a_domain_the_later_one_counts(store: Store) -> None:
    make_cohort(store)
    batch = make_batch(store)
    run_batch(store, batch, NAMES[:1], at=NOON + timedelta(hours=1), score=90)
    project_all(store)
    run_batch(store, batch, NAMES[:1], at=NOON, score=10)
    assert project_all(store) == 1
    with store.read_only() as session:
        assert session.scalars(select(FactDomainSummary.score)).all() == [90]
    assert count(store, Projection) == 2
    run_batch(store, batch, NAMES[:1], at=NOON + timedelta(hours=2), score=50)
    project_all(store)
    with store.read_only() as session:
        assert session.scalars(select(FactDomainSummary.score)).all() == [50]


def test_a_damaged_document_fails_once_and_ends_nothing(store: Store) -> None:
    make_cohort(store)
    first, *_ = run_batch(store, make_batch(store), NAMES)
    with store.transaction() as session:
        session.execute(update(RunDocument).where(RunDocument.run_key == first.key).values(document=b"x"))
    assert project_all(store) == len(NAMES)
    assert project_all(store) == 0
    with store.read_only() as session:
        failed = session.scalars(select(Projection).where(Projection.status == "failed")).one()
    assert failed.run_key == first.key
    assert failed.error
    assert count(store, FactDomainSummary) == len(NAMES) - 1
    assert materialise(store, failed.snapshot_id, now=lambda: NOON) is Capture.CAPTURED
    assert only_snapshot(store).last_materialization_error == "1 run could not be projected"


def test_a_late_run_is_found_though_another_was_purged_meanwhile(store: Store) -> None:
    make_cohort(store)
    batch = make_batch(store, tag="tld")
    run_batch(store, batch, NAMES[:3])
    asked: list[bool] = []

    def stopped() -> bool:
        if not asked:  # The batch was found and its runs were counted, but not read.
            with store.transaction() as session:
                assert purge_finished_before(session, NOON + timedelta(days=1), limit=1) == 1
        asked.append(True)
        return False

    assert Projector().project(store, floor="NOTICE", now=lambda: NOON, stopped=stopped) == 2
    run_batch(store, batch, NAMES[3:4])
    assert project_all(store) == 1


def test_a_cohort_that_is_switched_off_meanwhile_gets_nothing(store: Store) -> None:
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES[:2])

    def stopped() -> bool:
        with store.transaction() as session:
            session.execute(update(Cohort).values(generation=Cohort.generation + 1))
        return False

    assert Projector().project(store, floor="NOTICE", now=lambda: NOON, stopped=stopped) == 0
    assert count(store, CohortSnapshot) == 0


def test_old_batches_are_checked_periodically(store: Store) -> None:
    make_cohort(store)
    old = make_batch(store, now=NOON - timedelta(days=30))
    run_batch(store, old, NAMES[:2])
    project_all(store)
    materialise(store, only_snapshot(store).id, now=lambda: NOON)
    projector = Projector()
    assert projector.project(store, floor="NOTICE", now=lambda: NOON) == 0
    run_batch(store, old, NAMES[2:3])
    assert projector.project(store, floor="NOTICE", now=lambda: NOON + timedelta(minutes=1)) == 0
    assert projector.project(store, floor="NOTICE", now=lambda: NOON + timedelta(minutes=11)) == 1
