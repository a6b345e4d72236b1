"""The time limit of a read-only session, for its statements and for computations between them."""

import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import TimeLimitExceeded

_KEY, _BETWEEN = "deadline", "between"
_SQLITE_STEPS = 20_000  # SQLite virtual machine steps between two checks of the clock, about a millisecond
_SLACK_S = 0.25  # a statement timeout may exceed the limit of the session by this


class Deadline:
    """A point in time on the monotonic clock."""

    def __init__(self, limit: timedelta) -> None:
        self._end = time.monotonic() + limit.total_seconds()

    @property
    def remaining_s(self) -> float:
        """Remaining seconds; negative after the deadline."""
        return self._end - time.monotonic()

    def check(self) -> None:
        """Raise TimeLimitExceeded if the deadline has passed."""
        if self.remaining_s <= 0:
            raise TimeLimitExceeded("the time limit was exceeded")


def check_deadline(session: Session) -> None:
    """Raise TimeLimitExceeded if the session's time limit has passed; call it during long computations.

    It also calls the function set by `on_yield`.
    """
    deadline, between = session.info.get(_KEY), session.info.get(_BETWEEN)
    if deadline is not None:
        deadline.check()
    if between is not None:
        between()


def deadline_of(session: Session) -> Deadline | None:
    """Return the time limit of a session, if it has one."""
    found: Deadline | None = session.info.get(_KEY)
    return found


def on_yield(session: Session, call: Callable[[], object]) -> None:
    """Set a function that long computations in this session call regularly, to sleep or to raise an exception."""
    session.info[_BETWEEN] = call


def limit_session(session: Session, deadline: Deadline) -> Callable[[], None]:
    """Set the time limit of a new read-only session; return the function that removes it from the connection.

    On PostgreSQL all statements then use one snapshot of the database; on SQLite they always do.
    """
    session.info[_KEY] = deadline
    connection = session.connection()
    limit = _limit_sqlite if connection.dialect.name == "sqlite" else _limit_postgres
    return limit(connection, deadline)


def _limit_sqlite(connection: Connection, deadline: Deadline) -> Callable[[], None]:
    raw: Any = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError(f"not an SQLite connection: {raw!r}")
    raw.set_progress_handler(lambda: deadline.remaining_s <= 0, _SQLITE_STEPS)
    event.listen(connection, "before_cursor_execute", lambda *_: deadline.check())
    return lambda: raw.set_progress_handler(None, 0)


def _limit_postgres(connection: Connection, deadline: Deadline) -> Callable[[], None]:
    granted = deadline.remaining_s
    connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; {_timeout(granted)}")

    def shorten(_connection: object, cursor: Any, *_: object) -> None:
        nonlocal granted
        deadline.check()
        remaining = deadline.remaining_s
        if granted > remaining + _SLACK_S:  # The timeout applies to each statement separately.
            granted = remaining
            cursor.execute(_timeout(granted))

    event.listen(connection, "before_cursor_execute", shorten)
    return lambda: None  # SET LOCAL ends with the transaction


def _timeout(seconds: float) -> str:
    return f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}"  # 0 would disable the timeout.
