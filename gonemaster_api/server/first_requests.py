"""Warm-up of the parts that the first requests of a process need: modules, statements, schemas and a connection.

Requests right after a start, on many threads, would each create these parts, and requests would arrive faster than they
finish. The process therefore runs the most common requests before it accepts connections.
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

_LIMIT_S = 0.5  # the start does not wait longer: the database may be slow or not available yet
_OTHERS = ("readyz", "jobs?limit=1", "entries?limit=1", "domains?limit=1", "batches?limit=1", "tags?limit=1", "queue")
_OF_RUN = ("jobs/{}", "runs/{}", "runs/{}/result")


def send_first_requests(app: Flask, *, limit_s: float = _LIMIT_S) -> bool:
    """Call the views as the first requests would, and return whether all responded within the limit.

    Only views are called. These requests have no client, so they are not logged, counted or refused.
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
        log.info("warm-up timed out, the first requests will be slower", error=str(error))
    else:
        done.set()


def _ask(app: Flask, path: str) -> Any:
    """Return the document of a response, or None if there is none.

    Raises:
        StoreUnavailable, StoreOutdated, BrokerUnavailable: further requests will fail in the same way.
    """
    try:
        with app.test_request_context(f"/api/v1/{path}"):
            return app.make_response(app.dispatch_request()).get_json(silent=True)
    except (StoreUnavailable, StoreOutdated, BrokerUnavailable):
        raise
    except (ApiError, HTTPException, StoreError, TasksError) as error:  # an error for any client, such as 404
        log.debug("answered in advance", path=path, error=str(error))
    return None
