"""SQLAlchemy engines for both databases, configured so that several processes can share one database."""

import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from psycopg2 import DatabaseError, ProgrammingError
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, parse_dsn
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from gonemaster_db.errors import StoreError
from gonemaster_db.json_text import dump_json
from gonemaster_db.settings import StoreSettings

READ_ONLY = "gonemaster_read_only"
_AUTOCOMMIT = "gonemaster_autocommit"
_USED_AT = "gonemaster_used_at"
_IDLE_S = 5.0
_creating = threading.Lock()  # no thread connects to a file that another one has not closed yet


def make_engine(settings: StoreSettings) -> Engine:
    """Make the engine; no connection is opened yet. Raises StoreError for an invalid DSN."""
    makers = {"sqlite": _sqlite_engine, "postgres": _postgres_engine}
    if settings.driver not in makers:
        raise StoreError(f"unknown database driver: {settings.driver}")
    return makers[settings.driver](settings)


def read_only_engine(engine: Engine) -> Engine:
    """Return an engine for read-only sessions that shares the pool.

    At READ COMMITTED each statement of PostgreSQL has its own snapshot anyway: BEGIN and COMMIT would only cost
    round trips.
    """
    return autocommit_engine(engine).execution_options(**{READ_ONLY: True})


def transaction_engine(engine: Engine) -> Engine:
    """Return an engine for read-only sessions that have a transaction on PostgreSQL as well; it shares the pool."""
    return engine.execution_options(**{READ_ONLY: True})


def autocommit_engine(engine: Engine) -> Engine:
    """Return an engine for single statements that shares the pool; SQLite keeps its transactions, which are local."""
    return engine.execution_options(**{_AUTOCOMMIT: True})


def _pool(settings: StoreSettings) -> dict[str, Any]:
    return {
        "pool_size": settings.pool_size,
        "max_overflow": settings.pool_overflow,
        "pool_timeout": settings.pool_wait.total_seconds(),
        "json_serializer": dump_json,
    }


def _postgres_engine(settings: StoreSettings) -> Engine:
    arguments: dict[str, Any] = {
        "connect_timeout": max(2, int(settings.connect_timeout.total_seconds())),
        "application_name": "gonemaster",
        # Statements are short: compiling one takes longer than it runs. A hash of 500,000 domains has to fit.
        "options": "-c timezone=UTC -c jit=off -c work_mem=32MB",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    engine = create_engine(
        _postgres_url(settings.dsn, arguments),
        connect_args=arguments,
        pool_recycle=int(settings.connection_lifetime.total_seconds()),
        **_pool(settings),
    )
    event.listen(engine, "begin", _begin_postgres)
    event.listen(engine, "checkout", _check_idle)
    event.listen(engine, "checkin", _note_use)
    return engine


def _begin_postgres(connection: Connection) -> None:
    """Let the driver send BEGIN with the next statement, or none for autocommit.

    SQLAlchemy's isolation level AUTOCOMMIT does the same for one SET more each time the connection returns to the pool.
    """
    raw: Any = connection.connection.driver_connection
    wanted = connection.get_execution_options().get(_AUTOCOMMIT, False)
    if raw.autocommit != wanted:
        raw.autocommit = wanted


def _check_idle(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Test a connection that was idle for some seconds; the pool replaces one that is dead or left in a transaction."""
    # A BEGIN that the server cancels (statement timeout) leaves an aborted transaction there of which the driver does
    # not know: its rollback sends nothing, and the next statement would be refused. libpq knows what the server said.
    if connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
        raise DisconnectionError("the connection was left in a transaction")
    if time.monotonic() - record.info.get(_USED_AT, -_IDLE_S) < _IDLE_S:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.rollback()
    except DatabaseError as error:
        raise DisconnectionError from error


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _postgres_url(dsn: str, arguments: dict[str, Any]) -> URL:
    """Return the URL for psycopg2; a libpq connection string is parsed into `arguments`."""
    if "://" not in dsn:
        arguments.update(_libpq_parameters(dsn))
        return URL.create("postgresql+psycopg2")
    url = make_url(dsn.replace("postgres://", "postgresql://", 1))
    if url.get_backend_name() != "postgresql":
        raise StoreError(f"not a PostgreSQL URL: {url.render_as_string()}")
    for name in arguments.keys() & url.query.keys():
        del arguments[name]
    return url.set(drivername="postgresql+psycopg2")


def _libpq_parameters(dsn: str) -> dict[str, Any]:
    try:
        return parse_dsn(dsn)
    except ProgrammingError as error:
        raise StoreError(f"not a PostgreSQL connection string: {str(error).strip()}") from error


def _sqlite_engine(settings: StoreSettings) -> Engine:
    path = settings.dsn.removeprefix("sqlite:///")
    if not path or path == ":memory:" or "://" in path:
        raise StoreError(f"SQLite needs a file path, not {settings.dsn!r}")
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(Path(path).expanduser())),
        connect_args={"timeout": settings.busy_timeout.total_seconds()},
        **_pool(settings),
    )
    event.listen(engine, "do_connect", _create_private)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(_dialect: object, _record: object, arguments: list[Any], _options: dict[str, Any]) -> None:
    """Create a new file for its owner only; SQLite gives its other files the same permissions.

    An existing file is not opened: to close a descriptor of it drops the locks of all connections of this process
    (POSIX advisory locks), and another process that closes its last connection would then delete the WAL in use.
    """
    with _creating, suppress(OSError):  # there already, as a rule; SQLite says it better if it is something else
        os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Enable WAL, so that readers do not wait for the writer, and take BEGIN over from the driver."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "cache_size = -16000"):
        try:
            connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()  # SQLAlchemy forgets it open (seen with 2.0.42)
            raise


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once.

    A transaction that begins as a reader cannot wait for the lock later: SQLite ends it with SQLITE_BUSY.
    """
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
