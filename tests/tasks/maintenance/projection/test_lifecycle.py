"""Snapshots and cohorts are changed, removed and rebuilt; earlier unfinished work does not interfere."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.cohorts import change_cohort, get_cohort
from gonemaster_db.analysis.discarding import (
    discarded_snapshots,
    remove_discarded_step,
)
from gonemaster_db.analysis.projections import UnseenBatch, due_captures, find_waiting, record_seen
from gonemaster_db.analysis.rebuilding import Rebuilding, clear_cohort, delete_cohort, rebuild_cohort
from gonemaster_db.analysis.snapshots import (
    change_snapshot,
    list_snapshots,
    purge_snapshot,
    rematerialise,
    rematerialise_all,
    with_source_runs,
)
from gonemaster_db.analysis.views.views import READERS_END, remove_view_step, views_to_remove
from gonemaster_db.batches.deletion import delete_batch, preview_batch_deletion, purge_finished_before
from gonemaster_db.core.errors import (
    InvalidSlug,
    MaterialisationRunning,
    SlugExists,
    SnapshotNotFound,
    SnapshotStateError,
    SourceRunsPurged,
)
from gonemaster_db.core.session import Store
from gonemaster_db.domains.tags import tag_domains
from gonemaster_db.models import (
    FACT_TABLES,
    Batch,
    Cohort,
    CohortSnapshot,
    DefaultPolicy,
    FactTagSummary,
    MaterializationStatus,
    Projection,
    Run,
    SnapshotDomain,
    SnapshotStatus,
    SnapshotView,
)
from tests.support.analysis.cohorts import domain_ids, make_batch, make_cohort, read_snapshot
from tests.support.analysis.runs import project_all, run_batch
from tests.support.rows import NOON

NAMES = [f"d{number}.example" for number in range(4)]
LATER = NOON + timedelta(hours=1)


def captured(
    store: Store, cohort: Cohort, names: list[str] = NAMES, *, at: Any = NOON, **fields: Any
) -> CohortSnapshot:
    """A snapshot of a separate batch."""
    batch = make_batch(store, now=at, **fields)
    run_batch(store, batch, names, tag=cohort.source_tag, at=at)
    settle(store, at)
    with store.read_only() as session:
        return session.scalars(select(CohortSnapshot).where(CohortSnapshot.batch_key == batch.key)).one()


def settle(store: Store, now: Any = LATER) -> list[Capture]:
    """Project the pending runs and capture the due snapshots."""
    project_all(store, now=now)
    with store.read_only() as session:
        due = due_captures(session)
    return [materialise(store, number, now=lambda: now) for number in due]


def cohort_now(store: Store, cohort: Cohort) -> Cohort:
    with store.read_only() as session:
        return get_cohort(session, cohort.id)


def count(store: Store, table: Any, *conditions: Any) -> int:
    with store.read_only() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def change(store: Store, cohort: Cohort, slug: str, /, **changes: Any) -> CohortSnapshot:
    with store.transaction() as session:
        return change_snapshot(session, cohort.id, slug, changes, now=LATER)


def rebuild(session: Session, cohort: Cohort, *, force: bool = False) -> Rebuilding | None:
    return rebuild_cohort(session, get_cohort(session, cohort.id, lock=True), floor="NOTICE", now=LATER, force=force)


def sweep_up(store: Store, now: Any = LATER) -> None:
    """Remove all discarded data, one row or domain at a time."""
    with store.read_only() as session:
        views, snapshots = views_to_remove(session, now=now), discarded_snapshots(session)
    for view_id in views:
        while store.run_in_transaction(partial(remove_view_step, view_id=view_id, now=now, limit=3)):
            pass
    for number in snapshots:
        while store.run_in_transaction(partial(remove_discarded_step, snapshot_id=number, limit=2)):
            pass


def test_a_wish_to_promote_pins_the_snapshot_once(store: Store) -> None:
    cohort = make_cohort(store)
    first = captured(store, cohort, promote=True)
    assert cohort_now(store, cohort).default_snapshot_id == first.id
    captured(store, cohort, at=LATER)
    now = cohort_now(store, cohort)
    assert (now.default_snapshot_policy, now.default_snapshot_id) == (DefaultPolicy.PINNED, first.id)
    assert count(store, Batch, Batch.promote_snapshot) == 0


def test_changes_of_a_snapshot(store: Store) -> None:
    cohort = make_cohort(store)
    first, second = captured(store, cohort), captured(store, cohort, at=LATER)
    changed = change(store, cohort, first.slug, slug="spring", label="Spring", description="x", is_default=True)
    assert (changed.slug, changed.label, changed.description) == ("spring", "Spring", "x")
    assert cohort_now(store, cohort).default_snapshot_id == first.id
    for slug in ("rematerialize", "", "Spring", "-a", "a_b", "x" * 65):
        with pytest.raises(InvalidSlug):
            change(store, cohort, second.slug, slug=slug)
    with pytest.raises(SlugExists):
        change(store, cohort, second.slug, slug="spring")
    with pytest.raises(SnapshotNotFound):
        change(store, cohort, first.slug, label="gone")
    change(store, cohort, "spring", is_default=False)
    assert cohort_now(store, cohort).default_snapshot_policy is DefaultPolicy.AUTO_LATEST


def test_retired_is_hidden_and_no_default_and_restored_is_back(store: Store) -> None:
    cohort = make_cohort(store)
    snapshot = captured(store, cohort, promote=True)
    retired = change(store, cohort, snapshot.slug, status="retired")
    assert (retired.status, retired.is_public) == (SnapshotStatus.RETIRED, False)
    assert cohort_now(store, cohort).default_snapshot_id is None
    for changes in ({"is_public": True}, {"is_default": True}, {"status": "pending"}):
        with pytest.raises(SnapshotStateError):
            change(store, cohort, snapshot.slug, **changes)
    restored = change(store, cohort, snapshot.slug, status="captured")
    assert (restored.status, restored.is_public, restored.view_id) == (SnapshotStatus.CAPTURED, True, snapshot.view_id)


def test_a_purged_snapshot_is_gone_and_stays_so(store: Store) -> None:
    cohort = make_cohort(store)
    snapshot = captured(store, cohort, promote=True)
    with store.transaction() as session:
        purge_snapshot(session, cohort.id, snapshot.slug, now=NOON)
    assert settle(store) == []
    with store.read_only() as session:
        assert list_snapshots(session, cohort.id) == []
    assert cohort_now(store, cohort).default_snapshot_id is None
    assert count(store, SnapshotDomain) == len(NAMES)  # readers may still use it
    sweep_up(store, NOON + READERS_END)
    assert [count(store, table) for table in (*FACT_TABLES, Projection, CohortSnapshot, SnapshotView)] == [0] * 9
    assert count(store, Run) == len(NAMES)


def test_a_view_is_rebuilt_from_the_runs(store: Store) -> None:
    cohort = make_cohort(store)
    snapshot = captured(store, cohort)
    change(store, cohort, snapshot.slug, slug="kept", label="kept", is_default=True)
    with store.transaction() as session:
        session.execute(update(Cohort).values(tag_view_min_level="ERROR"))
        anew = rematerialise(session, cohort.id, "kept", floor="NOTICE", now=NOON)
        assert anew.materialization_total == len(NAMES)
    with store.transaction() as session, pytest.raises(MaterialisationRunning):
        rematerialise(session, cohort.id, "kept", floor="NOTICE", now=NOON)
    before = count(store, FactTagSummary)
    assert settle(store) == [Capture.CAPTURED]
    now = read_snapshot(store, snapshot.id)
    assert (now.slug, now.label, now.tag_view_min_level, now.materialization_status) == ("kept", "kept", "ERROR", "")
    assert now.view_id != snapshot.view_id
    assert count(store, FactTagSummary) < before
    assert cohort_now(store, cohort).default_snapshot_id == snapshot.id
    sweep_up(store, LATER + READERS_END)
    assert count(store, SnapshotView) == 1


def test_without_runs_nothing_is_rebuilt_and_the_snapshot_stays(store: Store) -> None:
    cohort = make_cohort(store)
    first, second = captured(store, cohort), captured(store, cohort, at=LATER)
    with store.transaction() as session:
        purge_finished_before(session, NOON + timedelta(minutes=1))
    assert settle(store) == []
    with store.transaction() as session:
        assert with_source_runs(session, [first, second]) == {second.id}
        with pytest.raises(SourceRunsPurged):
            rematerialise(session, cohort.id, first.slug, floor="NOTICE", now=LATER)
        assert rematerialise_all(session, cohort.id, floor="NOTICE", now=LATER) == 1
    assert read_snapshot(store, first.id).view_id == first.view_id
    assert settle(store) == [Capture.CAPTURED]


def test_a_rebuilt_cohort_has_all_snapshots_again(store: Store) -> None:
    cohort = make_cohort(store)
    snapshot = captured(store, cohort, promote=True)
    change(store, cohort, snapshot.slug, label="lost")
    with store.transaction() as session:
        assert rebuild(session, cohort) == Rebuilding(len(NAMES), {})
    with store.transaction() as session:
        assert rebuild(session, cohort) is None
    assert settle(store) == [Capture.CAPTURED]
    now = cohort_now(store, cohort)
    assert (now.materialization_status, now.materialization_done) == (MaterializationStatus.READY, len(NAMES))
    assert now.default_snapshot_id is None
    with store.read_only() as session:
        (anew,) = list_snapshots(session, cohort.id)
    assert (anew.label, anew.slug) == ("", snapshot.slug)
    assert anew.id != snapshot.id


def test_a_rebuild_keeps_the_batches_of_a_cohort_that_has_grown(store: Store) -> None:
    cohort = make_cohort(store)
    snapshot = captured(store, cohort)  # of a batch without tags, which tested all members
    ids = domain_ids(store, [f"new{number}.example" for number in range(len(NAMES))])
    with store.transaction() as session:
        tag_domains(session, [cohort.source_tag], ids.values(), now=LATER)
        rebuild(session, cohort)
    assert settle(store) == [Capture.CAPTURED]
    with store.read_only() as session:
        (anew,) = list_snapshots(session, cohort.id)
    assert (anew.batch_key, anew.domain_count, anew.coverage) == (snapshot.batch_key, len(NAMES), 50)


def test_a_rebuild_whose_runs_are_purged_before_it_starts_leaves_nothing(store: Store) -> None:
    cohort = make_cohort(store)
    captured(store, cohort)
    with store.transaction() as session:
        rebuild(session, cohort)
        purge_finished_before(session, LATER)
    assert settle(store) == [Capture.EMPTY]
    sweep_up(store, LATER + READERS_END)
    assert [count(store, table) for table in (*FACT_TABLES, Projection, CohortSnapshot, SnapshotView)] == [0] * 9
    assert settle(store) == []


def test_a_view_whose_runs_are_purged_before_they_are_read_again_stays(store: Store) -> None:
    cohort = make_cohort(store)
    snapshot = captured(store, cohort)
    with store.transaction() as session:
        rematerialise(session, cohort.id, snapshot.slug, floor="NOTICE", now=LATER)
        purge_finished_before(session, LATER)
    assert settle(store) == [Capture.CAPTURED]
    now = read_snapshot(store, snapshot.id)
    assert (now.materialization_status, now.domain_count) == ("", len(NAMES))


def test_a_projector_of_an_earlier_rebuild_does_not_end_the_next_one(store: Store) -> None:
    cohort = make_cohort(store)
    snapshot = captured(store, cohort)

    def begin() -> UnseenBatch:
        with store.transaction() as session:
            rematerialise(session, cohort.id, snapshot.slug, floor="NOTICE", now=LATER)
        with store.read_only() as session:
            (found,) = find_waiting(session, floor="NOTICE")
        return found

    earlier = begin()
    assert settle(store) == [Capture.CAPTURED]
    begin()
    with store.transaction() as session:
        record_seen(session, earlier, snapshot.id)
    assert settle(store) == [Capture.CAPTURED]
    assert count(store, Projection) == len(NAMES)


@pytest.mark.parametrize("force", [False, True])
def test_a_rebuild_keeps_snapshots_whose_runs_were_purged(store: Store, *, force: bool) -> None:
    cohort = make_cohort(store)
    first, second = captured(store, cohort), captured(store, cohort, at=LATER)
    change(store, cohort, first.slug, label="kept", is_default=True)
    with store.transaction() as session:
        purge_finished_before(session, NOON + timedelta(minutes=1))
    settle(store)
    with store.transaction() as session:
        begun = rebuild(session, cohort, force=force)
        assert begun is not None
        assert (begun.runs, begun.kept) == (len(NAMES), {} if force else {first.slug: len(NAMES)})
    assert settle(store) == [Capture.CAPTURED]
    sweep_up(store)
    with store.read_only() as session:
        found = {one.slug: one for one in list_snapshots(session, cohort.id)}
    assert found.keys() == {second.slug} if force else {first.slug, second.slug}
    assert cohort_now(store, cohort).default_snapshot_id == (None if force else first.id)
    if not force:
        kept = found[first.slug]
        assert (kept.id, kept.view_id, kept.label) == (first.id, first.view_id, "kept")
        assert (kept.status, kept.domain_count) == (SnapshotStatus.CAPTURED, len(NAMES))


def test_a_cleared_cohort_stays_empty_until_it_is_rebuilt(store: Store) -> None:
    cohort = make_cohort(store)
    captured(store, cohort)
    with store.transaction() as session:
        assert clear_cohort(session, get_cohort(session, cohort.id, lock=True), now=LATER) == 1
    assert settle(store) == []
    captured(store, cohort, at=LATER)
    with store.read_only() as session:
        assert len(list_snapshots(session, cohort.id)) == 1
    with store.transaction() as session:
        rebuild(session, cohort)
    assert settle(store) == [Capture.CAPTURED] * 2


def test_analysis_off_removes_all_and_on_makes_all(store: Store) -> None:
    cohort = make_cohort(store)
    captured(store, cohort)
    with store.transaction() as session:
        change_cohort(session, cohort.id, {"analysis_enabled": False, "public_enabled": False}, now=LATER)
    assert settle(store) == []
    sweep_up(store)
    assert count(store, CohortSnapshot) == 0
    with store.transaction() as session:
        change_cohort(session, cohort.id, {"analysis_enabled": True}, now=LATER)
    assert settle(store) == [Capture.CAPTURED]


def test_a_deleted_cohort_leaves_nothing_behind(store: Store) -> None:
    cohort = make_cohort(store)
    captured(store, cohort, promote=True)
    with store.transaction() as session:
        delete_cohort(session, get_cohort(session, cohort.id, lock=True), now=NOON)
    sweep_up(store, NOON + READERS_END)
    assert [count(store, table) for table in (*FACT_TABLES, CohortSnapshot, SnapshotView, Cohort)] == [0] * 9


def test_a_deleted_batch_takes_its_snapshots_with_it(store: Store) -> None:
    cohort = make_cohort(store)
    kept, gone = captured(store, cohort), captured(store, cohort, at=LATER, promote=True)
    with store.transaction() as session:
        batch = session.get_one(Batch, gone.batch_key)
        preview = preview_batch_deletion(session, batch.id)
        delete_batch(session, batch.id)
    assert preview.fact_rows > 10 * len(NAMES)
    (described,) = preview.snapshots
    assert described["snapshot_slug"] == gone.slug
    assert described["is_default"]
    now = cohort_now(store, cohort)
    assert (now.default_snapshot_policy, now.default_snapshot_id) == (DefaultPolicy.AUTO_LATEST, None)
    with store.read_only() as session:
        assert [one.id for one in list_snapshots(session, cohort.id)] == [kept.id]
    sweep_up(store, LATER + timedelta(days=10_000))
    assert count(store, SnapshotView) == count(store, CohortSnapshot) == 1


def test_facts_and_views_outlive_runs_and_serve_late_ones(store: Store) -> None:
    cohort = make_cohort(store)
    snapshot = captured(store, cohort)
    with store.transaction() as session:
        purge_finished_before(session, NOON + timedelta(seconds=2))
    with store.read_only() as session:
        batch = session.get_one(Batch, snapshot.batch_key)
    run_batch(store, batch, ["late.example"], tag="tld", at=LATER)
    assert settle(store) == [Capture.CAPTURED]
    now = read_snapshot(store, snapshot.id)
    assert (now.domain_count, now.slug) == (len(NAMES) + 1, snapshot.slug)
