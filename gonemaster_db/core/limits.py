"""How long the database may take: limits of each kind of work, told to the server, and watched for where it is silent.

A server that is stopped, or that a network no longer reaches, ends no statement. The kernel gives up what was sent and
not acknowledged (`tcp_user_timeout`); what a stopped process behind a living kernel acknowledges and does not answer is
given up here.
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

from gonemaster_db.core.deadlines import Deadline
from gonemaster_db.core.errors import TimeLimitExceeded
from gonemaster_db.core.settings import Limits

MARGIN_S = 3.0  # from the time at which the server should have ended a statement
_LOOK_EVERY_S = 0.5


_current: ContextVar[Limits | None] = ContextVar("gonemaster_limits", default=None)
_deadline: ContextVar[Deadline | None] = ContextVar("gonemaster_deadline", default=None)


def current_limits() -> Limits | None:
    """Return the limits of what this thread does, if they are not those of its connections."""
    return _current.get()


@contextmanager
def limited_by(limits: Limits | None) -> Iterator[None]:
    """Let transactions that begin in the block have other limits than those of the connection."""
    token = _current.set(limits)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def ending_by(deadline: Deadline | None) -> Iterator[None]:
    """Let no writing transaction of this thread begin or commit after a time, and no statement go on for long."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def check_ending() -> None:
    """Raise TimeLimitExceeded if what this thread does should have ended by now."""
    deadline = _deadline.get()
    if deadline is not None:
        deadline.check()


def remaining_s(most: float) -> float:
    """Return how many seconds this thread may wait: `most`, or less if it should end before."""
    deadline = _deadline.get()
    return most if deadline is None else min(most, max(0.0, deadline.remaining_s))


def is_past_end(error: Exception) -> bool:
    """Say whether an error came after the time at which this thread should have ended, which may be its cause."""
    deadline = _deadline.get()
    return deadline is not None and deadline.remaining_s <= 0 and not isinstance(error, TimeLimitExceeded)


class _Watch:
    """Breaks the connections whose servers have been silent for too long; one thread for the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[Any, float] = {}
        self._pid = 0  # of the process that the thread runs in

    def begin(self, connection: Any, limit_s: float) -> None:
        """Note that a connection waits for its server from now on."""
        with self._lock:
            self._ends[connection] = time.monotonic() + limit_s
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._watch, name="statement watch", daemon=True).start()

    def end(self, connection: Any) -> None:
        """Note that the server has answered, or the connection is lost."""
        with self._lock:
            self._ends.pop(connection, None)

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            now = time.monotonic()
            with self._lock:  # while it is noted its thread waits in libpq, so the descriptor is that of its socket
                for connection in [one for one, end in self._ends.items() if end < now]:
                    del self._ends[connection]
                    _break(connection)


def _break(connection: Any) -> None:
    """Shut the socket down: libpq, which waits for it in another thread, finds that the server has gone."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)


_watch = _Watch()


class _WatchedCursor(extensions.cursor):
    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - the name of psycopg2
        with self.connection.watched():  # type: ignore[attr-defined]  # only made by the class below
            super().execute(query, vars)

    def copy_expert(self, *arguments: Any, **options: Any) -> None:
        with self.connection.watched():  # type: ignore[attr-defined]  # as above
            super().copy_expert(*arguments, **options)


class WatchedConnection(extensions.connection):
    """A connection that is broken when its server is silent for longer than a statement may take.

    `limit_s` is that time for the work under way; 0 is none.
    """

    limit_s = 0.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = _WatchedCursor

    def set_limit(self, statement: timedelta) -> None:
        """Watch for statements that a server with this limit should have ended."""
        self.limit_s = statement.total_seconds() + MARGIN_S if statement else 0.0

    @contextmanager
    def watched(self, *, bounded: bool = True) -> Iterator[None]:
        """Watch while the block waits for the server; with `bounded` it has no longer than what this thread does."""
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
        """Commit."""
        with self.watched():
            super().commit()

    def rollback(self) -> None:
        """Roll back."""
        with self.watched(bounded=False):  # the end of the work may be why
            super().rollback()
