"""The view of real results is the same in files as in the database."""

from pathlib import Path

from sqlalchemy import select

from gonemaster_db.analysis.column_views.reading import FileViews
from gonemaster_db.analysis.projections import read_run_rows
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run
from gonemaster_db.runs.run_documents import kinds_of, read_stored_runs
from gonemaster_tasks.maintenance.projection.extraction import facts_of
from gonemaster_tasks.maintenance.projection.outline import Outlines
from tests.support.analysis.cohorts import make_batch, make_cohort, snapshot_of
from tests.support.analysis.runs import run_batch
from tests.support.analysis.storages import file_storage, view_content

NAMES = [f"d{number}.example" for number in range(120)]


def test_the_view_of_real_results_is_the_same_in_both_storages(store: Store, tmp_path: Path) -> None:
    cohort, batch = make_cohort(store), make_batch(store)
    run_batch(store, batch, NAMES)
    with store.read_only() as session:
        keys = session.scalars(select(Run.key).order_by(Run.key)).all()
        rows = read_run_rows(session, keys)
        stored = read_stored_runs(session, [row.id for row in rows])
        kinds = kinds_of(session, stored.values())
    facts = [facts_of(row, stored[row.id], kinds, Outlines("INFO")) for row in rows]
    files = file_storage(tmp_path)
    views = FileViews(files)
    store.read_views_with(views)
    in_rows, in_files = (snapshot_of(store, cohort, facts, files=storage) for storage in (None, files))
    expected = view_content(store, in_rows.view_id)
    assert len(expected["snapshot_domains"]) == len(NAMES)
    assert len(expected["snapshot_endpoints"]) > len(NAMES)
    assert view_content(store, in_files.view_id) == expected
    views.close()
