"""A span for each request, if traces are configured."""

from contextlib import ExitStack

from flask import Flask, Response, g, request

from gonemaster_api.errors import logged_path
from gonemaster_api.web.access_log import is_asset, route_of_request
from gonemaster_tasks.tracing import describe_span, is_tracing, span


def register_traces(app: Flask) -> None:
    """Trace each request until its response begins, except requests for static assets."""
    app.before_request(_begin)
    app.after_request(_describe)
    app.teardown_request(_end)


def _begin() -> None:
    if is_tracing() and not is_asset(request.path):
        g.span = ExitStack()
        trusted = request.environ.get("gonemaster.trusted_peer")
        parent = request.headers.get("traceparent", "") if trusted else ""
        g.span.enter_context(span("request", parent=parent, request_id=g.get("request_id")))


def _describe(response: Response) -> Response:
    if "span" in g and not is_asset(request.path):
        facts = {"http.request.method": request.method, "http.route": route_of_request(), "url.path": logged_path()}
        name = f"{request.method} {facts['http.route']}"
        describe_span(name, facts | {"http.response.status_code": response.status_code})
        g.span.close()
    return response


def _end(_error: BaseException | None) -> None:
    if "span" in g:
        g.span.close()
