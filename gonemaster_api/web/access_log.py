"""The access log: one event per request, written after the response has been sent."""

import re
import time
from functools import cache
from typing import Any

import structlog
from flask import Flask, Response, g, request

from gonemaster_api.errors import logged_path
from gonemaster_api.web.headers import is_api

log = structlog.get_logger("gonemaster_api.access")

_CONVERTER = re.compile(r"<[^<>]*:")
ASSETS = ("/static/", "/api/v1/docs/assets/")


def register_access_log(app: Flask) -> None:
    """Measure and log each request except requests for static assets."""
    app.before_request(_start)
    app.after_request(_finish)


def is_asset(path: str) -> bool:
    """Return whether a path belongs to a static asset."""
    return path.startswith(ASSETS)


def _start() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    if is_asset(request.path):
        return response
    facts = _facts(response)
    started = g.get("started", time.perf_counter())

    def write() -> None:
        duration_ms = round((time.perf_counter() - started) * 1000, 2)
        _level(response.status_code)("http_request", duration_ms=duration_ms, **facts)

    # Write the entry on close, because a streamed response has only begun here. Collect the facts now, because the
    # request context no longer exists on close.
    response.call_on_close(write)
    return response


def _level(status: int) -> Any:
    if status >= 500:
        return log.error
    return log.warning if status >= 400 else log.info


def _facts(response: Response) -> dict[str, Any]:
    facts = {
        "method": request.method,
        "path": logged_path(),
        "route": route_of_request(),
        "status": response.status_code,
        "bytes": response.content_length,
        "remote": request.remote_addr,
        "request_id": g.get("request_id"),
    } | ({"token": g.token_label} if "token_label" in g else {})
    code = getattr(response, "error_code", None)
    # Add context such as the id of a submitted job. Collect it now, because the thread holds the values of this
    # request.
    about = {name: value for name, value in structlog.contextvars.get_contextvars().items() if name not in facts}
    return facts | about | ({"code": code} if code else {})


def route_of_request() -> str:
    """Return the matched rule. Unmatched paths share one name per API, so that scanners cannot multiply log keys."""
    if request.url_rule is not None:
        return _shown(request.url_rule.rule)
    if not is_api(request.path):
        return "unknown"
    return "/pub/api/v1/unknown" if request.path.startswith("/pub/") else "/api/v1/unknown"


@cache
def _shown(rule: str) -> str:
    return _CONVERTER.sub("<", rule)
