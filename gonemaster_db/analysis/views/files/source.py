"""The session that reads the tables of a view: the one of the database, or one of DuckDB for a view in files.

A session of DuckDB has the tables of one view under the names of the models. It lasts as long as the session of the
database for which it was opened, and has its time limit.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.views.view_cache import cached_value
from gonemaster_db.core.errors import FilesUnavailable
from gonemaster_db.core.session import VIEW_READER, close_at_end
from gonemaster_db.models import AnalysisFile

_OPEN = "sessions_of_views"
DIALECT = "duckdb"


class ViewFilesUnavailable(FilesUnavailable):
    """The view is in files, and this process has no location for them."""


class ViewReader(Protocol):
    """Opens views in files."""

    def open(self, session: Session, view_id: int, files: tuple[Any, ...]) -> Session:
        """Open a session of DuckDB for one view, with the time limit of a session of the database."""
        ...

    def connect(self, views: Mapping[int, tuple[Any, ...]]) -> AbstractContextManager[Any]:
        """Open a connection of DuckDB that reads the tables of several views in files."""
        ...


def view_session(session: Session, view_id: int) -> Session:
    """Return the session that reads the tables of a view.

    Raises:
        ViewFilesUnavailable: the view is in files, and `analytics.location` is not set.
        FilesUnreadable: a file is missing, damaged or of another version.
    """
    files = _files(session, view_id)
    if not files:
        return session
    opened: dict[int, Session] = session.info.setdefault(_OPEN, {})
    if view_id not in opened:
        reader: ViewReader | None = session.info.get(VIEW_READER)
        if reader is None:
            raise ViewFilesUnavailable(
                "the view is in files: set analytics.location to the folder or URI that has them"
            )
        opened[view_id] = reader.open(session, view_id, files)
        close_at_end(session, opened[view_id].close)
    return opened[view_id]


def sessions_of_views(session: Session, view_ids: Sequence[int]) -> Iterator[tuple[Session, Sequence[int]]]:
    """Yield the session of the database with its views, then that of each view in files. Raises as `view_session`."""
    in_files = [view_id for view_id in view_ids if _files(session, view_id)]
    yield session, [view_id for view_id in view_ids if view_id not in in_files]
    for view_id in in_files:
        yield view_session(session, view_id), [view_id]


@contextmanager
def open_connection(session: Session, view_ids: tuple[int, int]) -> Iterator[tuple[Any, tuple[str | None, str | None]]]:
    """Open a connection of DuckDB for two views, with the schema of each, None for a view in the database.

    The connection is None if both are in the database.

    Raises:
        ViewFilesUnavailable, FilesUnreadable: as in `view_session`.
    """
    in_files = {view_id: files for view_id in view_ids if (files := _files(session, view_id))}
    if not in_files:
        yield None, (None, None)
        return
    first, second = (schema_of(view_id) if view_id in in_files else None for view_id in view_ids)
    with _reader(session).connect(in_files) as connection:
        yield connection, (first, second)


def schema_of(view_id: int) -> str:
    """Return the schema of DuckDB with the tables of a view in files."""
    return f"view{view_id:d}"


def _reader(session: Session) -> ViewReader:
    reader: ViewReader | None = session.info.get(VIEW_READER)
    if reader is None:
        raise ViewFilesUnavailable("the view is in files: set analytics.location to the folder or URI that has them")
    return reader


def is_in_files(session: Session) -> bool:
    """Return whether a session of `view_session` reads files."""
    return session.get_bind().dialect.name == DIALECT


def _files(session: Session, view_id: int) -> tuple[Any, ...]:
    """Return the files of a view; they never change once the view is published."""
    columns = (AnalysisFile.kind, AnalysisFile.name, AnalysisFile.size)
    query = select(*columns).where(AnalysisFile.view_id == view_id).order_by(AnalysisFile.id)
    found: tuple[Any, ...] = cached_value(session, (view_id, "files"), lambda: tuple(session.execute(query).all()))
    return found
