"""SQLAlchemy engines of both databases, with what each needs to serve several processes."""

import sqlite3
import time
from pathlib import Path
from typing import Any

from psycopg2 import DatabaseError, ProgrammingError
from psycopg2.extensions import parse_dsn
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from gonemaster_db.errors import StoreError
from gonemaster_db.json_text import dump_json
from gonemaster_db.settings import StoreSettings

READING = "gonemaster_reading"
_USED_AT = "gonemaster_used_at"
_IDLE_S = 5.0


def make_engine(settings: StoreSettings) -> Engine:
    """Make the engine; no connection is opened yet. Raises StoreError for a dsn that cannot be read."""
    makers = {"sqlite": _sqlite_engine, "postgres": _postgres_engine}
    if settings.driver not in makers:
        raise StoreError(f"unknown database driver: {settings.driver}")
    return makers[settings.driver](settings)


def reading_engine(engine: Engine) -> Engine:
    """Share the pool of the engine for sessions that only read.

    On PostgreSQL each statement sees its own snapshot anyway, so BEGIN and COMMIT would be trips for nothing.
    """
    return autocommit_engine(engine).execution_options(**{READING: True})


def autocommit_engine(engine: Engine) -> Engine:
    """Share the pool for single statements; SQLite keeps its transactions, which cost no trip."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="AUTOCOMMIT")
    return engine


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
        "options": "-c timezone=UTC",
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
    event.listen(engine, "checkout", _check_idle)
    event.listen(engine, "checkin", _note_use)
    return engine


def _check_idle(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Ask a connection that was idle for a while whether it lives; the pool replaces one that does not."""
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
    """Name the psycopg2 driver; a libpq string is left to libpq, as an argument."""
    if "://" not in dsn:
        arguments.update(_libpq_parameters(dsn))
        return URL.create("postgresql+psycopg2")
    url = make_url(dsn.replace("postgres://", "postgresql://", 1))
    if url.get_backend_name() != "postgresql":
        raise StoreError(f"not a PostgreSQL address: {url.render_as_string()}")
    for name in arguments.keys() & url.query.keys():
        del arguments[name]
    return url.set(drivername="postgresql+psycopg2")


def _libpq_parameters(dsn: str) -> dict[str, Any]:
    try:
        return parse_dsn(dsn)
    except ProgrammingError as error:
        raise StoreError(f"not a PostgreSQL address: {str(error).strip()}") from error


def _sqlite_engine(settings: StoreSettings) -> Engine:
    path = settings.dsn.removeprefix("sqlite:///")
    if not path or path == ":memory:" or "://" in path:
        raise StoreError(f"SQLite needs the path of a file, not {settings.dsn!r}")
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(Path(path).expanduser())),
        connect_args={"timeout": settings.busy_timeout.total_seconds()},
        **_pool(settings),
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """WAL lets readers go on beside the one writer; BEGIN is left to us."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "cache_size = -16000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a reader that turns writer cannot wait and would fail instead."""
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
