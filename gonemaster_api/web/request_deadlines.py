"""A request that changes something ends: after `write_timeout` nothing of it is committed any more.

By then its client has given up, as a rule, and may have sent it again. The same holds for one whose client is known to
have left before. What was committed before stays, and with it what follows on a commit, such as messages.
"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

from flask import Flask, g, request

from gonemaster_api.state import state
from gonemaster_db.core.deadlines import Deadline
from gonemaster_db.core.errors import TimeLimitExceeded
from gonemaster_db.core.limits import with_deadline

HAS_LEFT = "gonemaster.has_left"  # in the environment: a function that says whether the client has given up
_READING = {"GET", "HEAD", "OPTIONS"}


def register_request_deadlines(app: Flask) -> None:
    """Give each request that may change something its time; before what uses the database."""
    app.before_request(_begin)
    app.teardown_request(_end)


class _Patience(Deadline):
    """The time of a request, which ends with the patience of its client."""

    def __init__(self, limit: timedelta, has_left: Callable[[], bool]) -> None:
        super().__init__(limit)
        self._has_left = has_left

    def check(self) -> None:
        """Raise TimeLimitExceeded if nobody waits for the response any more; asked before each commit."""
        super().check()
        if self._has_left():
            raise TimeLimitExceeded("the client has left")


def _begin() -> None:
    if request.method not in _READING:
        g.deadline = ExitStack()
        has_left = request.environ.get(HAS_LEFT, lambda: False)  # there is none in another server than ours
        g.deadline.enter_context(with_deadline(_Patience(state().settings.write_timeout, has_left)))


def _end(_error: BaseException | None) -> None:
    if "deadline" in g:
        g.deadline.close()
