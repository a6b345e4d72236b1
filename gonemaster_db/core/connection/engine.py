"""SQLAlchemy engines for both databases, configured so that several processes can share one database."""

import math
import os
import select
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from psycopg2 import Error as DriverError
from psycopg2 import ProgrammingError
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, parse_dsn
from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from gonemaster_db.core.connection.hosts import Hosts
from gonemaster_db.core.connection.limits import WatchedConnection, current_limits
from gonemaster_db.core.connection.pool import LingeringPool
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.settings import Limits, StoreSettings

READ_ONLY = "gonemaster_read_only"
_AUTOCOMMIT = "gonemaster_autocommit"
_USED_AT = "gonemaster_used_at"
_POOLED = "gonemaster_pooled"
IDLE_S = 5.0
_READ_ONLY_NOW = "25006"
_MARK = "gonemaster.connected"
CHECK = timedelta(seconds=2)  # timeout for testing an idle connection
# Statements are short, so JIT compilation would take longer than their execution. work_mem must hold a hash of 500,000
# domains.
_SESSION = {"timezone": "UTC", "jit": "off", "work_mem": "32MB"}
_creating = threading.Lock()  # No thread may connect to a file that another thread is still creating.
_on_connect: WeakKeyDictionary[Dialect, tuple[Callable[[], object], ...]] = WeakKeyDictionary()


def make_engine(settings: StoreSettings) -> Engine:
    """Create the engine without opening a connection. Raises StoreError for an invalid DSN."""
    makers = {"sqlite": _sqlite_engine, "postgres": _postgres_engine}
    if settings.driver not in makers:
        raise StoreError(f"unknown database driver: {settings.driver}")
    engine = makers[settings.driver](settings)
    cast("LingeringPool", engine.pool).kept = settings.pool_size
    dialect = engine.dialect

    def notify(_connection: object, _record: object) -> None:
        for function in _on_connect.get(dialect, ()):
            function()

    event.listen(engine, "connect", notify)
    return engine


def call_on_connect(engine: Engine, function: Callable[[], object]) -> None:
    """Call a function for each new connection from now on, also on engines that share the pool.

    Adding a listener to an engine in use is not safe: SQLAlchemy iterates over the listeners while another thread
    connects.
    """
    _on_connect[engine.dialect] = (*_on_connect.get(engine.dialect, ()), function)


def read_only_engine(engine: Engine) -> Engine:
    """Return an engine for read-only sessions that shares the pool.

    At READ COMMITTED each PostgreSQL statement has its own snapshot anyway, so BEGIN and COMMIT would only cost round
    trips.
    """
    return autocommit_engine(engine).execution_options(**{READ_ONLY: True})


def transaction_engine(engine: Engine) -> Engine:
    """Return an engine for read-only sessions that use a transaction on PostgreSQL too; it shares the pool."""
    return engine.execution_options(**{READ_ONLY: True})


def autocommit_engine(engine: Engine) -> Engine:
    """Return an engine for single statements that shares the pool; SQLite keeps its transactions, which are cheap."""
    return engine.execution_options(**{_AUTOCOMMIT: True})


@contextmanager
def commit_each_statement(connection: Connection) -> Iterator[None]:
    """Commit each statement of a connection that has no open transaction on PostgreSQL."""
    connection.execution_options(**{_AUTOCOMMIT: True})
    try:
        yield
    finally:
        connection.rollback()  # The rollback ends the transaction that SQLAlchemy assumes.
        connection.execution_options(**{_AUTOCOMMIT: False})


def is_pooled(connection: Connection) -> bool:
    """Return whether a pooler such as PgBouncer may use another server connection for each transaction."""
    return _POOLED in connection.info


def _pool(settings: StoreSettings) -> dict[str, Any]:
    return {
        **LingeringPool.options(maximum=settings.pool_size + settings.pool_overflow),
        "pool_timeout": settings.pool_wait.total_seconds(),
        "json_serializer": dump_json,
    }


def _postgres_engine(settings: StoreSettings) -> Engine:
    silence = settings.tcp_user_timeout
    third_s = max(1, math.ceil(silence.total_seconds() / 3))
    parameters = _SESSION | settings.limits.settings() | _server_side(silence) | {_MARK: "yes"}
    arguments: dict[str, Any] = {
        "connect_timeout": max(2, int(settings.connect_timeout.total_seconds())),
        "application_name": "gonemaster",
        "options": " ".join(f"-c {name}={value}" for name, value in parameters.items()),
        "tcp_user_timeout": round(silence.total_seconds() * 1000),
        # An idle connection counts as lost after the same time as a busy one.
        "keepalives_idle": third_s,
        "keepalives_interval": third_s,
        "keepalives_count": 2,
        "connection_factory": WatchedConnection,
    }
    engine = create_engine(
        _postgres_url(settings.dsn, arguments),
        connect_args=arguments,
        pool_recycle=int(settings.connection_lifetime.total_seconds()),
        **_pool(settings),
    )
    hosts = Hosts()
    event.listen(engine, "do_connect", hosts.try_primary_first)
    event.listen(engine, "connect", lambda raw, record: _prepare_postgres(raw, record, settings.limits))
    event.listen(engine, "connect", hosts.record_primary)
    event.listen(engine, "invalidate", hosts.record_loss)
    event.listen(engine, "begin", lambda connection: _begin_postgres(connection, settings.limits))
    event.listen(engine, "handle_error", _drop_standby_connections)
    event.listen(engine, "checkout", _check_idle)
    event.listen(engine, "checkin", _record_use)
    return engine


def _server_side(silence: timedelta) -> dict[str, int]:
    """Return the settings that make the server drop a silent client and release its locks."""
    third_s = max(1, math.ceil(silence.total_seconds() / 3))
    return {
        "tcp_user_timeout": round(silence.total_seconds() * 1000),
        "tcp_keepalives_idle": third_s,
        "tcp_keepalives_interval": third_s,
        "tcp_keepalives_count": 2,
    }


def _prepare_postgres(raw: WatchedConnection, record: ConnectionPoolEntry, limits: Limits) -> None:
    """Set the limits of a new connection, and check that its settings reached the server; a pooler may drop them."""
    raw.set_limit(limits.statement)
    with raw.cursor() as cursor:
        cursor.execute(f"SELECT current_setting('{_MARK}', true)")
        if cursor.fetchone() != ("yes",):
            record.info[_POOLED] = True
    raw.rollback()


def _begin_postgres(connection: Connection, limits: Limits) -> None:
    """Send BEGIN with the next statement, or not at all for autocommit.

    SQLAlchemy's isolation level AUTOCOMMIT does the same, but needs another SET each time the connection returns to the
    pool.
    """
    raw: Any = connection.connection.driver_connection
    autocommit = connection.get_execution_options().get(_AUTOCOMMIT, False) and not _has_own_settings(connection)
    if raw.autocommit != autocommit:
        raw.autocommit = autocommit
    limits_in_force = current_limits() or limits
    raw.set_limit(limits_in_force.statement)
    if _has_own_settings(connection):
        settings = (_SESSION if is_pooled(connection) else {}) | limits_in_force.settings()
        connection.exec_driver_sql("".join(f"SET LOCAL {name} = '{value}';" for name, value in settings.items()))


def _has_own_settings(connection: Connection) -> bool:
    """Return whether each transaction has to set its own settings, because those of the connection do not apply."""
    return current_limits() is not None or is_pooled(connection)


def _drop_standby_connections(context: ExceptionContext) -> None:
    """Drop all connections if the server has become read-only: after a failover it is no longer the primary."""
    if getattr(context.original_exception, "pgcode", None) == _READ_ONLY_NOW:
        context.is_disconnect = True


def _check_idle(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Test a connection that was idle for a few seconds, or to which the server has written, for example to end it.

    The pool replaces a lost or unusable connection, so that no request fails because of it.
    """
    # A BEGIN that the server cancels (statement timeout) leaves an aborted transaction that the driver does not know:
    # its rollback sends nothing, and the next statement would fail. libpq knows the state of the server.
    if connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
        raise DisconnectionError("the connection was left in a transaction")
    if time.monotonic() - record.info.get(_USED_AT, -IDLE_S) < IDLE_S and not _has_input(connection):
        return
    connection.set_limit(CHECK)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.rollback()
    except DriverError as error:
        # All other idle connections are older: each separate test would take as long as this one.
        raise InvalidatePoolError from error


def _has_input(connection: Any) -> bool:
    """Return whether the server has sent data on an idle connection: the end of the connection, or a rare notice."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _record_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _postgres_url(dsn: str, arguments: dict[str, Any]) -> URL:
    """Return the URL for psycopg2; a libpq string, or a URL with several hosts, is parsed into `arguments`."""
    if "://" not in dsn or "," in urlsplit(dsn).netloc:  # SQLAlchemy writes several hosts differently.
        given = _libpq_parameters(dsn.replace("postgresql+psycopg2://", "postgresql://", 1))
        if "options" in given:  # The operator's options come last and take precedence.
            given["options"] = f"{arguments['options']} {given['options']}"
        if "," in given.get("host", given.get("hostaddr", "")):
            arguments["target_session_attrs"] = "read-write"  # Only the primary accepts connections.
        arguments.update(given)
        return URL.create("postgresql+psycopg2")
    url = make_url(dsn.replace("postgres://", "postgresql://", 1))
    if url.get_backend_name() != "postgresql":
        raise StoreError(f"not a PostgreSQL URL: {url.render_as_string()}")
    for name in arguments.keys() & url.query.keys():
        given = arguments.pop(name)
        if name == "options":  # The operator's options come last and take precedence.
            url = url.update_query_dict({name: f"{given} {url.query[name]}"})
    return url.set(drivername="postgresql+psycopg2")


def _libpq_parameters(dsn: str) -> dict[str, Any]:
    try:
        return parse_dsn(dsn)
    except ProgrammingError:  # Its text has parts of the string, and the string can have a password.
        raise StoreError("the DSN is neither a PostgreSQL URL nor a libpq connection string") from None


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
    """Create a new file that only its owner can read; SQLite gives its other files the same permissions.

    An existing file is not opened: closing a descriptor of it drops the locks of all connections of this process (POSIX
    advisory locks), and another process that closes its last connection would then delete the WAL in use.
    """
    # The file usually exists; SQLite reports every other problem, with a better message.
    with _creating, suppress(OSError):
        os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Enable WAL, so that readers do not wait for the writer, and disable the driver's own BEGIN."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "cache_size = -16000"):
        try:
            connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()  # SQLAlchemy would leave the connection open (seen with 2.0.42).
            raise


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at the start of the transaction.

    A transaction that begins as a reader cannot wait for the lock later: SQLite ends it with SQLITE_BUSY.
    """
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
