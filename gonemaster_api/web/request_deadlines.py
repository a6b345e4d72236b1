"""The deadline of a request that changes data: after `write_timeout` it can no longer commit.

By then the client has usually given up and may have repeated the request. The same applies if the client is known to
have disconnected earlier. Earlier commits remain in effect, as does everything that follows a commit, such as messages.
"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

from flask import Flask, g, request

from gonemaster_api.state import state
from gonemaster_db.core.connection.deadlines import Deadline
from gonemaster_db.core.connection.limits import with_deadline
from gonemaster_db.core.errors import TimeLimitExceeded

HAS_LEFT = "gonemaster.has_left"  # environ key: a function that returns whether the client has disconnected
READING = {"GET", "HEAD", "OPTIONS"}


def register_request_deadlines(app: Flask) -> None:
    """Set a deadline for each request that may change data. Register this before hooks that use the database."""
    app.before_request(_begin)
    app.teardown_request(_end)


def client_watch() -> Callable[[], bool]:
    """Return a function that returns whether the client of this request has disconnected; any thread can call it.

    It always returns False if the server does not know, as in tests without a server.
    """
    watch: Callable[[], bool] = request.environ.get(HAS_LEFT, lambda: False)
    return watch


class _RequestDeadline(Deadline):
    """The deadline of a request; it also expires as soon as the client disconnects."""

    def __init__(self, limit: timedelta, is_disconnected: Callable[[], bool]) -> None:
        super().__init__(limit)
        self._is_disconnected = is_disconnected

    def check(self) -> None:
        """Raise TimeLimitExceeded if no client waits for the response any longer. Called before each commit."""
        super().check()
        if self._is_disconnected():
            raise TimeLimitExceeded("the client disconnected")


def _begin() -> None:
    if request.method not in READING:
        g.deadline = ExitStack()
        g.deadline.enter_context(with_deadline(_RequestDeadline(state().settings.write_timeout, client_watch())))


def _end(_error: BaseException | None) -> None:
    if "deadline" in g:
        g.deadline.close()
