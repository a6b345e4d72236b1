"""Every waiting run is in exactly one file, also after crashes, rebuilds and late commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from gonemaster_db.analysis.cohorts import get_cohort
from gonemaster_db.analysis.columns.fact_files import read_facts_file, write_facts_file
from gonemaster_db.analysis.columns.location import location
from gonemaster_db.analysis.columns.run_sets import unpack_keys
from gonemaster_db.analysis.projection import claims
from gonemaster_db.analysis.projections import due_captures, find_waiting
from gonemaster_db.analysis.snapshots import rematerialise
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    FACT_TABLES,
    AnalysisFile,
    AnalysisNameserver,
    CohortSnapshot,
    FactStorage,
    MaterializationStatus,
    Projection,
    ProjectionClaim,
    Run,
    RunDocument,
)
from gonemaster_tasks.maintenance.projection import columns
from gonemaster_tasks.maintenance.projection.columns import ColumnProjector, ColumnSettings
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import run_batch
from tests.support.rows import NOON, queue_job

NAMES = [f"d{number}.example" for number in (3, 1, 4, 0, 2, 9, 6)]
LATER = NOON + timedelta(hours=1)


class Place:
    """A folder for files, and the projector that fills it."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.projector = ColumnProjector()

    def project(self, *, now: datetime = LATER, **options: Any) -> int:
        chosen = ColumnSettings(str(self.folder), **{"runs_per_file": 3, **options})
        return self.projector.project(self.store, chosen, floor="NOTICE", now=lambda: now)

    def files(self) -> list[AnalysisFile]:
        with self.store.read_only() as session:
            return list(session.scalars(select(AnalysisFile).order_by(AnalysisFile.id)))

    def rows(self) -> list[dict[str, Any]]:
        place = location(str(self.folder))
        return [row for file in self.files() for row in read_facts_file(place, file.name).to_pylist()]

    def domains(self) -> Counter[str]:
        return Counter(row["domain"] for row in self.rows())

    def on_disk(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Place:
    return Place(store, tmp_path / "analysis")


def snapshot_now(store: Store) -> CohortSnapshot:
    with store.read_only() as session:
        return session.scalars(select(CohortSnapshot)).one()


def count(store: Store, table: Any) -> int:
    with store.read_only() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_finished_batch_is_in_files_and_not_in_rows(store: Store, place: Place) -> None:
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    assert place.project() == len(NAMES)
    files, rows = place.files(), place.rows()
    assert [file.rows for file in files] == [3, 3, 1]
    assert place.on_disk() == {file.name for file in files}
    assert sorted(row["domain"] for row in rows) == sorted(NAMES)
    with store.read_only() as session:
        keys = set(session.scalars(select(Run.key)))
        packed = session.scalars(select(AnalysisFile.run_keys)).all()
    assert {row["run_key"] for row in rows} == keys == {key for each in packed for key in unpack_keys(each or b"")}
    assert [count(store, table) for table in (*FACT_TABLES, Projection, AnalysisNameserver)] == [0] * 8
    snapshot = snapshot_now(store)
    assert (snapshot.storage, snapshot.seen_runs) == (FactStorage.COLUMNS, len(NAMES))
    with store.read_only() as session:
        assert due_captures(session) == [snapshot.id]
    assert place.project() == 0


def test_a_running_batch_waits_for_a_full_file_or_for_the_interval(store: Store, place: Place) -> None:
    make_cohort(store, materialization_status=MaterializationStatus.READY)
    batch = make_batch(store)
    run_batch(store, batch, NAMES[:2])
    queue_job(store, "waiting.example", batch_id=batch.id, priority=1, config={"tags": ["tld"]})
    soon = NOON + timedelta(minutes=1)
    assert place.project(now=soon) == 0
    run_batch(store, batch, NAMES[2:4], at=soon)
    assert place.project(now=soon + timedelta(minutes=2)) == 3
    assert place.project(now=soon + timedelta(minutes=4)) == 0
    assert place.project(now=soon + timedelta(minutes=20)) == 1
    assert snapshot_now(store).seen_runs == 0


def test_runs_that_were_committed_late_are_found(store: Store, place: Place) -> None:
    make_cohort(store)
    batch = make_batch(store)
    run_batch(store, batch, NAMES)
    with store.transaction() as session:  # the batch has one run less, with a key among those of the others
        late = session.scalars(select(Run).order_by(Run.key).offset(1).limit(1)).one()
        session.execute(update(Run).where(Run.key == late.key).values(batch_key=None))
    assert place.project() == len(NAMES) - 1
    with store.transaction() as session:
        session.execute(update(Run).where(Run.key == late.key).values(batch_key=batch.key))
        session.execute(update(CohortSnapshot).values(seen_runs=1))
    assert place.project() == 1
    assert place.domains() == Counter(NAMES)
    assert place.project() == 0


def test_a_second_run_of_a_domain_is_a_second_row(store: Store, place: Place) -> None:
    make_cohort(store)
    batch = make_batch(store)
    run_batch(store, batch, NAMES[:2])
    place.project()
    run_batch(store, batch, NAMES[:1], at=LATER)
    assert place.project() == 1
    assert place.domains() == Counter({NAMES[0]: 2, NAMES[1]: 1})


def test_damaged_documents_are_recorded_and_not_repeated(store: Store, place: Place) -> None:
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES[:4])
    with store.transaction() as session:
        key = session.scalars(select(Run.key).order_by(Run.key).limit(1)).one()
        session.execute(update(RunDocument).where(RunDocument.run_key == key).values(document=b"\x01damaged"))
    assert place.project() == 4
    assert len(place.rows()) == 3
    assert count(store, Projection) == 1
    assert place.project() == 0


def test_a_rebuilt_snapshot_has_all_runs_again(store: Store, place: Place) -> None:
    cohort = make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    place.project()
    with store.transaction() as session:
        rematerialise(session, cohort.id, snapshot_now(store).slug, floor="NOTICE", now=LATER)
    assert place.project(now=LATER + timedelta(minutes=1)) == len(NAMES)
    assert place.domains() == Counter(NAMES * 2)
    newest = {}
    for row in sorted(place.rows(), key=lambda row: row["projected_at"]):
        newest[row["domain"]] = row["projected_at"]
    assert set(newest.values()) == {LATER + timedelta(minutes=1)}
    assert place.project() == 0


@pytest.mark.parametrize("broken", ["folder", "pyarrow"])
def test_an_unusable_location_is_shown_on_the_cohort_until_it_works(
    store: Store, place: Place, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    if broken == "folder":
        place.folder.write_text("in the way")
        reason = "a part of the path is a file; change analytics.location"
    else:
        monkeypatch.setattr("gonemaster_db.analysis.columns.schema.find_spec", lambda _: None)
        reason = "pip install 'gonemaster[analytics]'"
    assert place.project() == 0
    with store.read_only() as session:
        assert reason in get_cohort(session, cohort.id).last_materialization_error
    assert (count(store, AnalysisFile), count(store, ProjectionClaim)) == (0, 0)
    if broken == "folder":
        place.folder.unlink()
    monkeypatch.undo()
    assert place.project(now=LATER + timedelta(minutes=1)) == len(NAMES)
    with store.read_only() as session:
        assert get_cohort(session, cohort.id).last_materialization_error == ""


def competing(store: Store, action: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something while the first file is being written."""
    write, pending = write_facts_file, [action]

    def after_action(*arguments: Any, **options: Any) -> Any:
        while pending:
            pending.pop()()
        return write(*arguments, **options)

    monkeypatch.setattr(columns, "write_facts_file", after_action)


def test_projectors_share_the_runs_of_a_snapshot(store: Store, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    other = Place(store, place.folder)
    shared: list[int] = []
    competing(store, lambda: shared.append(other.project()), monkeypatch)
    assert place.project() + sum(shared) == len(NAMES)
    assert shared > [0]
    assert place.domains() == Counter(NAMES)
    assert place.project() == other.project() == 0
    assert snapshot_now(store).seen_runs == len(NAMES)


def test_no_more_projectors_than_allowed_work_on_a_snapshot(
    store: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    other = Place(store, place.folder)
    shared: list[int] = []
    competing(store, lambda: shared.append(other.project(projectors=1)), monkeypatch)
    assert place.project() == len(NAMES)
    assert shared == [0]


def test_a_projector_whose_lease_has_ended_registers_nothing(
    store: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    other = Place(store, place.folder)
    taken: list[int] = []
    much_later = LATER + claims.LEASE * 2
    competing(store, lambda: taken.append(other.project(now=much_later)), monkeypatch)
    assert place.project() == 0
    assert taken == [len(NAMES)]
    assert place.domains() == Counter(NAMES)
    assert len(place.on_disk() - {file.name for file in place.files()}) == 1  # an orphan


def test_a_rebuild_ends_the_claims(store: Store, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = make_cohort(store)
    run_batch(store, make_batch(store), NAMES)

    def rebuild() -> None:
        with store.transaction() as session:
            rematerialise(session, cohort.id, snapshot_now(store).slug, floor="NOTICE", now=LATER)

    competing(store, rebuild, monkeypatch)
    assert place.project() == 0
    assert place.project(now=LATER + timedelta(minutes=1)) == len(NAMES)
    assert place.domains() == Counter(NAMES)


def test_a_cohort_that_is_built_is_finished(store: Store, place: Place) -> None:
    cohort = make_cohort(store, materialization_status=MaterializationStatus.PENDING)
    batch = make_batch(store)
    run_batch(store, batch, NAMES[:2])
    queue_job(store, "waiting.example", batch_id=batch.id, priority=1, config={"tags": ["tld"]})
    assert place.project(now=NOON) == 2  # its runs are written although the batch has not finished
    with store.read_only() as session:
        found = get_cohort(session, cohort.id)
        assert (found.materialization_status, found.materialization_done) == ("ready", 2)
        assert [waiting.storage for waiting in find_waiting(session, floor="NOTICE")] == [FactStorage.COLUMNS]
