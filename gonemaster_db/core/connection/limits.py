"""Time limits for each kind of work, enforced by the server and, if the server is silent, by the client.

A server that is stopped or unreachable does not cancel any statement. The kernel gives up data that is sent but not
acknowledged (`tcp_user_timeout`); a stopped process on a running host acknowledges but does not answer, and is detected
here.
"""

import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from psycopg2 import extensions

from gonemaster_db.core.connection.deadlines import Deadline
from gonemaster_db.core.errors import TimeLimitExceeded
from gonemaster_db.core.settings import Limits

MARGIN_S = 3.0  # after the time at which the server should have cancelled a statement
_CHECK_INTERVAL_S = 0.5


_current: ContextVar[Limits | None] = ContextVar("gonemaster_limits", default=None)
_deadline: ContextVar[Deadline | None] = ContextVar("gonemaster_deadline", default=None)


def current_limits() -> Limits | None:
    """Return the limits of this thread if they differ from the limits of its connections."""
    return _current.get()


@contextmanager
def limited_by(limits: Limits | None) -> Iterator[None]:
    """Set the limits of transactions that begin in the block."""
    token = _current.set(limits)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def with_deadline(deadline: Deadline | None) -> Iterator[None]:
    """Refuse to begin or commit a writing transaction in this thread after a deadline, and cancel longer statements."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def check_thread_deadline() -> None:
    """Raise TimeLimitExceeded if the deadline of this thread has passed."""
    deadline = _deadline.get()
    if deadline is not None:
        deadline.check()


def remaining_s(maximum: float) -> float:
    """Return how many seconds this thread may wait: `maximum`, or less if its deadline is earlier."""
    deadline = _deadline.get()
    return maximum if deadline is None else min(maximum, max(0.0, deadline.remaining_s))


def is_past_deadline(error: Exception) -> bool:
    """Return whether an error occurred after the deadline of this thread, which may be its cause."""
    deadline = _deadline.get()
    return deadline is not None and deadline.remaining_s <= 0 and not isinstance(error, TimeLimitExceeded)


class _SilenceWatch:
    """A thread of the process that breaks connections whose servers have been silent for too long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[Any, float] = {}
        self._pid = 0  # process in which the thread runs

    def begin(self, connection: Any, limit_s: float) -> None:
        """Start watching a connection that waits for its server."""
        with self._lock:
            self._ends[connection] = time.monotonic() + limit_s
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._watch, name="statement watch", daemon=True).start()

    def end(self, connection: Any) -> None:
        """Stop watching a connection, after an answer or its loss."""
        with self._lock:
            self._ends.pop(connection, None)

    def _watch(self) -> None:
        while True:
            time.sleep(_CHECK_INTERVAL_S)
            now = time.monotonic()
            # While a connection is in the table its thread waits in libpq, so the descriptor belongs to its socket.
            with self._lock:
                for connection in [silent for silent, end in self._ends.items() if end < now]:
                    del self._ends[connection]
                    _break(connection)


def _break(connection: Any) -> None:
    """Shut the socket down, so that libpq, which waits for it in another thread, sees a lost connection."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)


_watch = _SilenceWatch()


class _WatchedCursor(extensions.cursor):
    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - the name of psycopg2
        with self.connection.watched():  # type: ignore[attr-defined]  # only made by the class below
            super().execute(query, vars)

    def copy_expert(self, *arguments: Any, **options: Any) -> None:
        with self.connection.watched():  # type: ignore[attr-defined]  # as above
            super().copy_expert(*arguments, **options)


class WatchedConnection(extensions.connection):
    """A connection that is broken if its server is silent for longer than a statement may take.

    `limit_s` is that time for the current work; 0 means no limit.
    """

    limit_s = 0.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = _WatchedCursor

    def set_limit(self, statement: timedelta) -> None:
        """Set the time after which a server with this statement timeout counts as silent."""
        self.limit_s = statement.total_seconds() + MARGIN_S if statement else 0.0

    @contextmanager
    def watched(self, *, bounded: bool = True) -> Iterator[None]:
        """Watch the connection while the block waits for the server; `bounded` adds the deadline of the thread."""
        limit_s, deadline = self.limit_s, _deadline.get() if bounded else None
        if deadline is not None:
            limit_s = remaining_s(limit_s or math.inf)
        elif not limit_s:
            yield
            return
        _watch.begin(self, limit_s)
        try:
            yield
        finally:
            _watch.end(self)

    def commit(self) -> None:
        """Commit the transaction."""
        with self.watched():
            super().commit()

    def rollback(self) -> None:
        """Roll the transaction back."""
        with self.watched(bounded=False):  # The passed deadline may be the reason for the rollback.
            super().rollback()
