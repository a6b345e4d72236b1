"""Counts each request for the metrics: route, status, error code and duration until the response begins."""

import time

from flask import Flask, Response, g, request

from gonemaster_api.state import state
from gonemaster_api.web.access_log import is_asset, route_of_request


def register_request_metrics(app: Flask) -> None:
    """Count all requests but those of static assets."""
    app.before_request(_start)
    app.after_request(_count)


def _start() -> None:
    g.metrics_started = time.perf_counter()


def _count(response: Response) -> Response:
    if not is_asset(request.path):
        now = time.perf_counter()
        state().counts.note(
            request.method,
            route_of_request(),
            response.status_code,
            now - g.get("metrics_started", now),
            code=getattr(response, "error_code", ""),
            panicked=getattr(response, "panicked", False),
        )
    return response
