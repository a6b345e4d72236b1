"""What the first requests of a process would find missing: modules, statements, schemas, a connection.

Those that come in the second after a start, on many threads, would each make it for themselves, and more would come
than end. So the process asks itself for what most clients want before it accepts the first connection.
"""

import threading
from typing import Any

import structlog
from flask import Flask
from werkzeug.exceptions import HTTPException

from gonemaster_api.errors import ApiError
from gonemaster_db.core.errors import StoreError, StoreOutdated, StoreUnavailable
from gonemaster_tasks.errors import BrokerUnavailable, TasksError

log = structlog.get_logger(__name__)

_LIMIT_S = 0.5  # a start waits no longer: the database may be slow, or not be there yet
_OTHERS = ("readyz", "jobs?limit=1", "entries?limit=1", "domains?limit=1", "batches?limit=1", "tags?limit=1", "queue")
_OF_RUN = ("jobs/{}", "runs/{}", "runs/{}/result")


def ask_first(app: Flask, *, limit_s: float = _LIMIT_S) -> bool:
    """Let the views answer as the first requests would; returns whether they all have within the limit.

    Views alone are called: nobody has asked, so nothing is logged, counted, or refused.
    """
    done = threading.Event()
    thread = threading.Thread(target=_ask_all, args=(app, done), name="first requests", daemon=True)
    thread.start()
    thread.join(limit_s)
    return done.is_set()


def _ask_all(app: Flask, done: threading.Event) -> None:
    try:
        runs = _ask(app, "runs?limit=1") or {"items": []}
        run_id = next((run["id"] for run in runs["items"]), "none")
        for path in (*_OTHERS, *(path.format(run_id) for path in _OF_RUN)):
            _ask(app, path)
    except (StoreUnavailable, StoreOutdated, BrokerUnavailable) as error:
        log.info("not ready for the first requests: they take longer", error=str(error))
    else:
        done.set()


def _ask(app: Flask, path: str) -> Any:
    """Return the document of a response; None if there is none.

    Raises:
        StoreUnavailable, StoreOutdated, BrokerUnavailable: the same will happen to the next one.
    """
    try:
        with app.test_request_context(f"/api/v1/{path}"):
            return app.make_response(app.dispatch_request()).get_json(silent=True)
    except (StoreUnavailable, StoreOutdated, BrokerUnavailable):
        raise
    except (ApiError, HTTPException, StoreError, TasksError) as error:  # as for any client: nothing of that name
        log.debug("answered in advance", path=path, error=str(error))
    return None
