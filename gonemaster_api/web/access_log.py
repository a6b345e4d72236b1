"""The access log: one event per request, written when the response has been sent."""

import re
import time
from functools import cache
from typing import Any
from urllib.parse import unquote

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect, Rule

from gonemaster_api.web.headers import is_api

log = structlog.get_logger("gonemaster_api.access")

_CONVERTER = re.compile(r"<[^<>]*:")
_ASSETS = ("/static/", "/api/v1/docs/assets/")


def register_access_log(app: Flask) -> None:
    """Measure and log each request except those of static assets."""
    app.before_request(_start)
    app.after_request(_finish)


def is_asset(path: str) -> bool:
    """Say whether a path is that of a static asset."""
    return path.startswith(_ASSETS)


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

    # Not now: a stream has only begun. The facts are taken now, since the request context is gone at the end.
    response.call_on_close(write)
    return response


def _level(status: int) -> Any:
    if status >= 500:
        return log.error
    return log.warning if status >= 400 else log.info


def _facts(response: Response) -> dict[str, Any]:
    facts = {
        "method": request.method,
        "path": request.path,
        "route": route_of_request(),
        "status": response.status_code,
        "bytes": response.content_length,
        "remote": request.remote_addr,
        "request_id": g.get("request_id"),
    } | ({"token": g.token_label} if "token_label" in g else {})
    code = getattr(response, "error_code", None)
    # Such as the job that was submitted; taken now, since the thread has the values of this request.
    about = {name: value for name, value in structlog.contextvars.get_contextvars().items() if name not in facts}
    return facts | about | ({"code": code} if code else {})


def route_of_request() -> str:
    """Return the matched rule; unmatched paths share one name per API, so that scanners do not multiply log keys."""
    return _route(request.url_rule, request.path)


def route_of(app: Flask, *, method: str, path: str) -> str:
    """Return the same for a request that Flask does not see; `path` is as in the request."""
    try:
        rule, _ = app.url_map.bind("").match(unquote(path), method=method, return_rule=True)
    except (HTTPException, RequestRedirect):
        rule = None
    return _route(rule, path)


@cache
def _shown(rule: str) -> str:
    return _CONVERTER.sub("<", rule)


def _route(rule: Rule | None, path: str) -> str:
    if rule is not None:
        return _shown(rule.rule)
    if not is_api(path):
        return "unknown"
    return "/pub/api/v1/unknown" if path.startswith("/pub/") else "/api/v1/unknown"
