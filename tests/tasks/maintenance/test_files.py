"""Files of the analysis are compacted and deleted; a reader finds each run exactly once all the time."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from gonemaster_db.analysis.cohorts import get_cohort
from gonemaster_db.analysis.columns.fact_files import write_facts_file
from gonemaster_db.analysis.columns.location import location
from gonemaster_db.analysis.columns.run_sets import unpack_keys
from gonemaster_db.analysis.projection import compaction
from gonemaster_db.analysis.rebuilding import delete_cohort
from gonemaster_db.analysis.snapshots import rematerialise
from gonemaster_db.batches.deletion import delete_batch, preview_batch_deletion, purge_finished_before
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import AnalysisFile, CohortSnapshot
from gonemaster_tasks.maintenance.files import ORPHAN_AGE, compact_files, delete_orphans
from gonemaster_tasks.maintenance.snapshots import remove_discarded
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import run_batch
from tests.support.rows import NOON
from tests.tasks.maintenance.projection.test_columns import LATER, NAMES, Place, count, snapshot_now


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Place:
    return Place(store, tmp_path / "analysis")


def compacted(place: Place) -> int:
    return compact_files(place.store, location(str(place.folder)), now=lambda: LATER)


def rebuild(store: Store, cohort_id: int) -> None:
    with store.transaction() as session:
        rematerialise(session, cohort_id, snapshot_now(store).slug, floor="NOTICE", now=LATER)


def test_small_files_become_one_and_late_runs_are_still_found(store: Store, place: Place) -> None:
    make_cohort(store)
    batch = make_batch(store)
    run_batch(store, batch, NAMES)
    place.project(runs_per_file=2)
    run_batch(store, batch, NAMES[:1], at=LATER)
    place.project(now=LATER + timedelta(minutes=1))
    old = {file.name for file in place.files()}
    assert compacted(place) == len(old) == 5
    (file,) = place.files()
    assert place.domains() == Counter(NAMES)
    (again,) = [row for row in place.rows() if row["domain"] == NAMES[0]]
    assert again["finished_at"] == LATER
    with store.read_only() as session:
        stored = session.get_one(AnalysisFile, file.id)
        assert len(unpack_keys(stored.run_keys or b"")) == len(NAMES) + 1
    assert place.on_disk() == old | {file.name}
    assert compacted(place) == place.project() == 0
    run_batch(store, batch, ["late.example"], at=LATER)
    assert place.project(now=LATER + timedelta(minutes=2)) == 1


def test_rows_that_were_written_again_are_removed_and_others_stay(store: Store, place: Place) -> None:
    cohort = make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    place.project()
    with store.transaction() as session:  # facts outlive runs
        purge_finished_before(session, NOON + timedelta(seconds=2), limit=2)
    rebuild(store, cohort.id)
    assert compacted(place) == 0  # it is being rebuilt
    assert place.project(now=LATER + timedelta(minutes=1)) == len(NAMES) - 2
    with store.transaction() as session:
        session.get_one(CohortSnapshot, snapshot_now(store).id).materialization_status = ""
    assert compacted(place) == 3
    assert place.domains() == Counter(NAMES)
    assert Counter(row["projected_at"] for row in place.rows()) == {LATER: 2, LATER + timedelta(minutes=1): 5}


def test_compaction_gives_up_if_a_rebuild_begins(store: Store, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    place.project(runs_per_file=1)
    before = {file.name for file in place.files()}
    write = write_facts_file

    def after_rebuild(*arguments: object, **options: object) -> object:
        rebuild(store, cohort.id)
        return write(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(compaction, "write_facts_file", after_rebuild)
    assert compacted(place) == 0
    assert {file.name for file in place.files()} == before


def test_orphans_are_deleted_after_a_day(store: Store, place: Place) -> None:
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    place.project()
    known = place.on_disk()
    facts = place.folder / "facts"
    (facts / "orphan.parquet").write_bytes(b"x")
    (facts / ".new.parquet.1.partial").write_bytes(b"x")
    (place.folder / "mine.txt").write_bytes(b"of the operator")
    now, found = utcnow(), location(str(place.folder))
    assert delete_orphans(store, found, now=now) == 0
    past = (now - ORPHAN_AGE - timedelta(minutes=1)).timestamp()
    for path in place.folder.rglob("*.*"):
        os.utime(path, (past, past))
    assert delete_orphans(store, found, now=now) == 2
    assert place.on_disk() == known | {"mine.txt"}


@pytest.mark.parametrize("what", ["cohort", "batch"])
@pytest.mark.parametrize("works", [True, False])
def test_files_of_a_removed_snapshot_are_deleted(store: Store, place: Place, what: str, works: bool) -> None:
    cohort, batch = make_cohort(store), make_batch(store)
    run_batch(store, batch, NAMES)
    place.project()
    with store.transaction() as session:
        if what == "cohort":
            delete_cohort(session, get_cohort(session, cohort.id, lock=True), now=LATER)
        else:
            assert preview_batch_deletion(session, batch.id).fact_rows == len(NAMES)
            delete_batch(session, batch.id)
    written = place.on_disk()
    remove_discarded(store, now=lambda: LATER, place=str(place.folder) if works else "")
    assert (count(store, AnalysisFile), count(store, CohortSnapshot)) == (0, 0)
    assert place.on_disk() == (set() if works else written)
