"""Reads views in files: one DuckDB database in the memory of a process, with a schema of views over Parquet files.

The views of a snapshot have the names of the models, so that SQLAlchemy statements about the models read the files.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.column_views.damage import check_view, naming_damaged
from gonemaster_db.analysis.column_views.engine import (
    FilesUnreadable,
    files_literal,
    literal,
    open_database,
    spill_folder,
    translated,
)
from gonemaster_db.analysis.column_views.statements import VERSION, VERSION_KEY
from gonemaster_db.analysis.views.files.source import schema_of
from gonemaster_db.core.connection.deadlines import Deadline, deadline_of
from gonemaster_db.core.errors import TimeLimitExceeded

_MAX_VIEWS = 200  # views that a process keeps open
_FILES, _PROTOCOL = "gonemaster_files", "gonemaster"


class FileViews:
    """The views in files of one process. Threads share it; a forked process opens its own.

    Nothing is opened before the first view in files is read.
    """

    def __init__(self, storage: FileStorage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._database: Any = None
        self._engine: Engine | None = None
        self._engines: OrderedDict[int, Engine] = OrderedDict()

    def open(self, session: Session, view_id: int, files: Sequence[Any]) -> Session:
        """Open a session for one view, with the time limit of a session of the database.

        Raises:
            FilesUnreadable: a file is missing, damaged or of another version.
            DuckDbFailed: DuckDB cannot be used.
        """
        with naming_damaged(self._storage.location, files, check_view):
            engine = self._engine_of(view_id, files)
        return _ViewSession(engine, deadline_of(session))

    @contextmanager
    def connect(self, views: Mapping[int, Sequence[Any]]) -> Iterator[Any]:
        """Open a connection that reads the tables of several views, each in its schema.

        Raises: FilesUnreadable, DuckDbFailed.
        """
        files = [file for found in views.values() for file in found]
        with naming_damaged(self._storage.location, files, check_view):
            for view_id, found in views.items():
                self._engine_of(view_id, found)
            connection = self._database.cursor()
            try:
                yield connection
            finally:
                connection.close()

    def close(self) -> None:
        """Close the database and remove what it has on disk."""
        with self._lock:
            self._engines.clear()
            self._engine = self._database = None
            self._stack.close()

    def _engine_of(self, view_id: int, files: Sequence[Any]) -> Engine:
        with self._lock:
            if view_id in self._engines:
                self._engines.move_to_end(view_id)
                return self._engines[view_id]
            if self._engine is None:
                self._start()
            with translated():
                self._define(view_id, files)
            assert self._engine is not None  # noqa: S101  # _start() has set it
            options = {"schema_translate_map": {None: schema_of(view_id)}, _FILES: (files, self._storage.location)}
            found = self._engines[view_id] = self._engine.execution_options(**options)
            while len(self._engines) > _MAX_VIEWS:
                removed, _ = self._engines.popitem(last=False)
                self._database.execute(f"DROP SCHEMA {schema_of(removed)} CASCADE")
            return found

    def _start(self) -> None:
        import duckdb_engine

        folder = self._stack.enter_context(spill_folder(self._storage.limits))
        database = open_database(":memory:", self._storage.limits, folder / "spilled")
        self._stack.callback(database.close)
        location = self._storage.location
        with translated():
            if location.is_local:
                database.execute("SET allowed_directories = " + _directories(location.root, str(folder)))
                database.execute("SET enable_external_access = false")
            else:
                database.register_filesystem(_filesystem(location))
            database.execute("SET lock_configuration = true")
        self._database = database
        self._engine = create_engine(
            "duckdb://", creator=lambda: duckdb_engine.ConnectionWrapper(database.cursor()), poolclass=NullPool
        )
        event.listen(self._engine, "handle_error", _translate)

    def _define(self, view_id: int, files: Sequence[Any]) -> None:
        """Define the schema of a view after a check of the version of its files. Raises FilesUnreadable."""
        schema = schema_of(view_id)
        paths: dict[str, list[str]] = {}
        for file in files:
            paths.setdefault(file.kind, []).append(_path(self._storage.location, file.name))
        cursor = self._database.cursor()
        try:
            listed = files_literal([path for found in paths.values() for path in found])
            of_version = f"key = {literal(VERSION_KEY)} AND value = {literal(str(VERSION))}"
            count = f"SELECT count(*) FROM parquet_kv_metadata({listed}) WHERE {of_version}"
            if cursor.execute(count).fetchone() != (len(files),):
                raise FilesUnreadable("not all files of the view are of this version")
            cursor.execute(f"BEGIN; DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
            for kind, found in paths.items():
                rows = f"SELECT {view_id}::BIGINT AS view_id, * FROM read_parquet({files_literal(found)})"
                cursor.execute(f'CREATE VIEW {schema}."{kind}" AS {rows}')
            cursor.execute("COMMIT")
        finally:
            cursor.close()


def _directories(*folders: str) -> str:
    return files_literal([f"{folder.rstrip('/')}/" for folder in folders])


def _path(location: Any, name: str) -> str:
    path: str = location.path(name)
    return path if location.is_local else f"{_PROTOCOL}://{path.lstrip('/')}"


def _filesystem(location: Any) -> Any:
    """Return the file system of a location for DuckDB, which knows the interface of fsspec."""
    wrapper: Any = import_module("fsspec.implementations.arrow").ArrowFSWrapper

    class LocationFiles(wrapper):  # type: ignore[misc]  # fsspec has no types
        protocol = _PROTOCOL
        root_marker = ""

    return LocationFiles(location.filesystem)


class _ViewSession(Session):
    """A session of DuckDB whose statements are interrupted at a deadline."""

    def __init__(self, engine: Engine, deadline: Deadline | None) -> None:
        super().__init__(engine, expire_on_commit=False)
        self._timer: threading.Timer | None = None
        if deadline is not None:
            deadline.check()
            raw: Any = self.connection().connection.driver_connection
            self._timer = threading.Timer(deadline.remaining_s, raw.interrupt)
            self._timer.daemon = True
            self._timer.start()
            event.listen(self.connection(), "before_cursor_execute", lambda *_: deadline.check())

    def close(self) -> None:
        """Close the session."""
        if self._timer is not None:
            self._timer.cancel()
        super().close()


def _translate(context: ExceptionContext) -> None:
    """Raise the error of a statement as an error of the store, if it is one of its files or of its deadline."""
    import duckdb

    error = context.original_exception
    if isinstance(error, duckdb.InterruptException):
        raise TimeLimitExceeded("the time limit was exceeded") from error
    connection = context.connection
    if isinstance(error, duckdb.Error) and connection is not None:
        files, location = connection.get_execution_options()[_FILES]
        with naming_damaged(location, files, check_view), translated():
            raise error
