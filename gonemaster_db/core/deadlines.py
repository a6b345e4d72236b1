"""The time limit of a reading session: of each of its statements, and of what is computed between them."""

import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import TimeLimitExceeded

_KEY, _BETWEEN = "deadline", "between"
_SQLITE_STEPS = 20_000  # of its virtual machine between two looks at the clock, about a millisecond
_SLACK_S = 0.25  # that the limit of a statement may be beyond that of the session


class Deadline:
    """A point in time on the monotonic clock."""

    def __init__(self, limit: timedelta) -> None:
        self._end = time.monotonic() + limit.total_seconds()

    @property
    def remaining_s(self) -> float:
        """Seconds until then; below 0 afterwards."""
        return self._end - time.monotonic()

    def check(self) -> None:
        """Raise TimeLimitExceeded if it has passed."""
        if self.remaining_s <= 0:
            raise TimeLimitExceeded("the time limit was exceeded")


def check_deadline(session: Session) -> None:
    """Raise TimeLimitExceeded if the session has a time limit and it has passed; for long computations.

    Calls the function that `on_yield` has set.
    """
    deadline, between = session.info.get(_KEY), session.info.get(_BETWEEN)
    if deadline is not None:
        deadline.check()
    if between is not None:
        between()


def on_yield(session: Session, call: Callable[[], object]) -> None:
    """Let long computations in this session call a function at intervals: to rest, or to end them by an exception."""
    session.info[_BETWEEN] = call


def limit_session(session: Session, deadline: Deadline) -> Callable[[], None]:
    """Give a new reading session a time limit; return what removes it from its connection.

    On PostgreSQL all its statements then see the database as it was at the first one; on SQLite they do anyway.
    """
    session.info[_KEY] = deadline
    connection = session.connection()
    limit = _limit_sqlite if connection.dialect.name == "sqlite" else _limit_postgres
    return limit(connection, deadline)


def _limit_sqlite(connection: Connection, deadline: Deadline) -> Callable[[], None]:
    raw: Any = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError(f"not a connection of SQLite: {raw!r}")
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
        if granted > remaining + _SLACK_S:  # the limit is that of each statement on its own
            granted = remaining
            cursor.execute(_timeout(granted))

    event.listen(connection, "before_cursor_execute", shorten)
    return lambda: None  # SET LOCAL ends with the transaction


def _timeout(seconds: float) -> str:
    return f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}"  # 0 would be none
