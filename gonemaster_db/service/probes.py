"""Checks of the database itself: whether it is writable, its clock, lock holders and free disk space."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from gonemaster_db.core.connection.engine import is_pooled
from gonemaster_db.core.connection.failures import translated
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.service.metrics.counting import Count, add_counts

_NAME = "probe"
_SCARCE_BYTES = 16 << 20
_SCARCE_SHARE = 0.05  # share of a small file system


class _RollBack(Exception):
    """Rolls a transaction back."""


def try_to_write(store: Store) -> None:
    """Write a row and roll it back. Raises StoreError if the database is not writable."""

    def write(session: Session) -> None:
        add_counts(session, {Count(_NAME): 1})
        raise _RollBack

    try:
        store.run_in_transaction(write)
    except _RollBack:
        return
    except SQLAlchemyError as error:
        raise StoreError(str(error)) from error


def database_time(store: Store) -> datetime | None:
    """Return the clock of the database host; None for SQLite, which has no separate clock."""
    if store.engine.dialect.name == "sqlite":
        return None
    with store.read_only() as session:
        found: datetime = session.scalars(select(func.clock_timestamp())).one()
    return found


@dataclass(frozen=True)
class Pooler:
    """PgBouncer between this process and the database. `login_retry_s` is None if this role may not read it."""

    login_retry_s: float | None


def find_pooler(store: Store) -> Pooler | None:
    """Return the pooler of the database, None for a direct connection. Raises StoreUnavailable."""
    with translated(), store.engine.connect() as connection:
        if not is_pooled(connection):
            return None
        info = connection.connection.driver_connection.info  # type: ignore[union-attr]  # of psycopg2
        # The console of PgBouncer is a database; `stats_users` may read it, on a Unix socket also its system user.
        where = info.dsn_parameters | {"dbname": "pgbouncer", "password": info.password, "options": ""}
    try:
        with closing(psycopg2.connect(**where)) as console:
            console.autocommit = True  # The console has no transactions.
            with console.cursor() as cursor:
                cursor.execute("SHOW CONFIG")
                settings = {row[0]: row[1] for row in cursor.fetchall()}
        return Pooler(float(settings["server_login_retry"]))
    except (psycopg2.Error, KeyError, ValueError):
        return Pooler(None)


@dataclass(frozen=True)
class LockHolder:
    """A transaction that holds locks which others may need; `age_s` is None if the database role may not see it."""

    pid: int
    role: str
    application: str
    address: str
    state: str
    age_s: float | None
    waiting: int


# Selects locks of whole tables that block writers, idle transactions that have changed something, and all transactions
# that others currently wait for. Columns that the role may not see are NULL, so such transactions count only if others
# wait for them.
_HOLDERS = text("""\
WITH waiting AS (
  SELECT pg_blocking_pids(pid) AS blockers FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'
    AND query_start < clock_timestamp() - make_interval(secs => :waits_s)
), strong AS (
  SELECT DISTINCT locks.pid FROM pg_locks locks JOIN pg_database base ON base.oid = locks.database
  WHERE base.datname = current_database() AND locks.granted AND locks.locktype = 'relation'
    AND locks.relation >= 16384
    AND locks.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
), holders AS (
  SELECT a.*, strong.pid IS NOT NULL OR (
      a.state LIKE 'idle in transaction%' AND a.backend_xid IS NOT NULL
      AND a.state_change < clock_timestamp() - make_interval(secs => :longest_s)
    ) AS in_the_way, (SELECT count(*) FROM waiting WHERE a.pid = ANY(waiting.blockers)) AS waiting
  FROM pg_stat_activity a LEFT JOIN strong ON strong.pid = a.pid
  WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
)
SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), coalesce(host(client_addr), ''),
  coalesce(state, ''), extract(epoch FROM clock_timestamp() - xact_start)::float8, waiting
FROM holders
WHERE in_the_way AND xact_start < clock_timestamp() - make_interval(secs => :longest_s)
  OR waiting > 0 AND coalesce(xact_start < clock_timestamp() - make_interval(secs => :longest_s), true)
ORDER BY xact_start LIMIT 10
""")


def lock_holders(session: Session, *, longest: timedelta, waits: timedelta) -> list[LockHolder]:
    """Return PostgreSQL transactions that have held locks for too long; others may wait up to `waits` for a lock."""
    if session.get_bind().dialect.name == "sqlite":
        return []
    values = {"longest_s": longest.total_seconds(), "waits_s": waits.total_seconds()}
    return [LockHolder(*row) for row in session.execute(_HOLDERS, values)]


def is_writable_within(store: Store, timeout: timedelta) -> bool:
    """Return whether SQLite's write lock becomes free within `timeout`; True on PostgreSQL, which has no such lock.

    Raises: StoreError: The database cannot be used at all.
    """
    if store.engine.dialect.name != "sqlite":
        return True
    with translated(), closing(store.engine.raw_connection()) as connection:
        raw: Any = connection.driver_connection
        before = raw.execute("PRAGMA busy_timeout").fetchone()[0]
        raw.execute(f"PRAGMA busy_timeout = {round(timeout.total_seconds() * 1000)}")
        try:
            raw.execute("BEGIN IMMEDIATE")
            raw.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            # Other errors are reported to the next writer.
            return getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY
        finally:
            raw.execute(f"PRAGMA busy_timeout = {before}")
    return True


def describe_scarce_space(store: Store) -> str:
    """Return a text if the file system of the SQLite file is (nearly) full; otherwise, and for PostgreSQL, ""."""
    if store.engine.dialect.name != "sqlite":
        return ""
    directory = Path(store.engine.url.database or "").resolve().parent
    try:
        usage = shutil.disk_usage(directory)
    except OSError as error:
        return f"{directory}: {error.strerror}"
    if usage.free > min(_SCARCE_BYTES, usage.total * _SCARCE_SHARE):
        return ""
    return f"{directory} has {usage.free // 1024} KiB of free space left"
