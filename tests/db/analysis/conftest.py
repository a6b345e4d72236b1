"""Tests of views run over both storages: rows of the database, and files that DuckDB builds and reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.column_views.reading import FileViews
from gonemaster_db.core.session import Store
from tests.support.analysis.storages import file_storage


@pytest.fixture(params=["rows", "columns"])
def files(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> Iterator[FileStorage | None]:
    """Return where snapshots have their files; None for snapshots in the database."""
    if request.param == "rows":
        yield None
        return
    storage = file_storage(tmp_path)
    views = FileViews(storage)
    store.read_views_with(views)
    yield storage
    views.close()
