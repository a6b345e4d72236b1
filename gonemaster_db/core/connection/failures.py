"""Translation of driver errors into store errors."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2 import InterfaceError as ClosedConnection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gonemaster_db.core.errors import (
    ReferenceGone,
    StoreConflict,
    StoreError,
    StoreFull,
    StoreOutdated,
    StoreUnavailable,
)

# SQLSTATE codes, PostgreSQL documentation, appendix A.
_CONFLICT = {"40000", "40001", "40003", "40P01", "55P03"}  # serialisation failure, deadlock, lock not available, ...
_FULL = {"53100"}
_UNAVAILABLE = {"25006", "25P03"}  # read-only after a failover; terminated while idle
# SQLSTATE classes: connection, resources (memory, connections), intervention (shutdown, statement timeout), system
# (I/O).
_UNAVAILABLE_CLASSES = {"08", "53", "57", "58"}
_OUTDATED = {"42P01", "42703"}  # undefined table, undefined column
_GONE = {"23503"}  # foreign key violation
_SQLITE = {
    sqlite3.SQLITE_BUSY: StoreConflict,
    sqlite3.SQLITE_LOCKED: StoreConflict,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_PROTOCOL: StoreConflict,
    sqlite3.SQLITE_SCHEMA: StoreConflict,
    sqlite3.SQLITE_INTERRUPT: StoreUnavailable,
    sqlite3.SQLITE_NOMEM: StoreUnavailable,
    sqlite3.SQLITE_IOERR: StoreUnavailable,
    sqlite3.SQLITE_CANTOPEN: StoreUnavailable,
    sqlite3.SQLITE_READONLY: StoreUnavailable,
    # A damaged file does not mean that the data is invalid: the result waits until the file is restored.
    sqlite3.SQLITE_CORRUPT: StoreUnavailable,
    sqlite3.SQLITE_NOTADB: StoreUnavailable,
}


@contextmanager
def translated() -> Iterator[None]:
    """Translate driver errors that a caller can handle; programming errors are re-raised unchanged."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable("no free database connection") from error
    except ClosedConnection as error:  # Raised by the driver in a listener, which SQLAlchemy does not wrap.
        raise StoreUnavailable(str(error).strip()) from error
    except DBAPIError as error:
        kind = _kind(error)
        if kind is None:
            raise
        raise kind(str(error.orig).strip()) from error


def _kind(error: DBAPIError) -> type[StoreError] | None:
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite_kind(error.orig)
    if error.connection_invalidated:
        return StoreUnavailable
    return _postgres_kind(error)


def _sqlite_kind(error: sqlite3.Error) -> type[StoreError] | None:
    if "no such table" in str(error) or "no such column" in str(error):
        return StoreOutdated
    code = getattr(error, "sqlite_errorcode", None)  # Errors raised by the Python module itself have no code.
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return ReferenceGone
    return None if code is None else _SQLITE.get(code & 0xFF)


def _postgres_kind(error: DBAPIError) -> type[StoreError] | None:
    code = getattr(error.orig, "pgcode", None)
    if code is None:  # libpq failed before the server could answer.
        return StoreUnavailable if isinstance(error, OperationalError | InterfaceError) else None
    for codes, kind in (
        (_CONFLICT, StoreConflict),
        (_FULL, StoreFull),
        (_OUTDATED, StoreOutdated),
        (_GONE, ReferenceGone),
    ):
        if code in codes:
            return kind
    return StoreUnavailable if code in _UNAVAILABLE or code[:2] in _UNAVAILABLE_CLASSES else None


def lacks_reference(error: DBAPIError) -> bool:
    """Return whether a row could not be written because a row that it refers to does not exist."""
    kind = _kind(error)
    return kind is not None and issubclass(kind, ReferenceGone)


def refuses_content(error: Exception) -> bool:
    """Return whether an untranslated error is caused by the data, so that a retry would fail again.

    Such errors are violated constraints, values that a column refuses, and values that cannot be bound to a statement;
    other driver errors may be temporary.
    """
    return isinstance(error, IntegrityError | DataError) or not isinstance(error, DBAPIError)


def reason_of(error: Exception) -> str:
    """Return the message of the driver, without the statement and values that SQLAlchemy adds."""
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    text = str(cause).strip()
    return f"{type(cause).__name__}: {text}"[:1000] if text else type(cause).__name__


# For a refused connection libpq gives the message of the server but no SQLSTATE.
_LOGIN = ("authentication failed", "no password supplied", "is not permitted to log in", "pg_hba.conf")
_NO_SUCH = re.compile(r'(?:role|database) "[^"\n]*+" does not exist|permission denied for database')


def refuses_login(text: str) -> bool:
    """Return whether the server refuses the login permanently."""
    return any(sign in text for sign in _LOGIN) or bool(_NO_SUCH.search(text))
