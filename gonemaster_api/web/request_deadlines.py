"""A request that changes something ends: after `write_timeout` nothing of it is committed any more.

By then its client has given up, as a rule, and may have sent it again. What was committed before stays, and with it
what follows on a commit, such as messages.
"""

from contextlib import ExitStack

from flask import Flask, g, request

from gonemaster_api.state import state
from gonemaster_db.deadlines import Deadline
from gonemaster_db.limits import ending_by

_READING = {"GET", "HEAD", "OPTIONS"}


def register_request_deadlines(app: Flask) -> None:
    """Give each request that may change something its time; before what uses the database."""
    app.before_request(_begin)
    app.teardown_request(_end)


def _begin() -> None:
    g.deadline = ExitStack()
    if request.method not in _READING:
        g.deadline.enter_context(ending_by(Deadline(state().settings.write_timeout)))


def _end(_error: BaseException | None) -> None:
    if "deadline" in g:
        g.deadline.close()
