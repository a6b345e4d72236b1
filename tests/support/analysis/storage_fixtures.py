"""Fixtures of tests that run over both storages: rows of the database, and files that DuckDB builds and reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.column_views.reading import FileViews
from gonemaster_db.core.session import Store
from tests.support.analysis.storages import file_storage

Files = FileStorage | None
"""Where a snapshot has its files; None for a snapshot in the database."""


@pytest.fixture
def storage(store: Store, tmp_path: Path) -> Iterator[FileStorage]:
    """Return a place for files that the store can read."""
    found = file_storage(tmp_path)
    views = FileViews(found)
    store.read_views_with(views)
    yield found
    views.close()


@pytest.fixture(params=["rows", "columns"])
def files(request: pytest.FixtureRequest) -> Files:
    """Return the storage of snapshots; the test runs once for each."""
    return None if request.param == "rows" else request.getfixturevalue("storage")


@pytest.fixture(params=["rows", "columns", "rows to columns", "columns to rows"])
def sides(request: pytest.FixtureRequest) -> tuple[Files, Files]:
    """Return the storages of two snapshots; the test runs once for each combination."""
    before, _, after = request.param.partition(" to ")
    found = {"rows": None, "columns": request.getfixturevalue("storage") if "columns" in request.param else None}
    return found[before], found[after or before]
