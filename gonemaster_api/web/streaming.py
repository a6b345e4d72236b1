"""Server-sent events as a response, and how many of them may be open."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, request

from gonemaster_api.errors import ApiError
from gonemaster_api.state import State

END_ID = "end"  # Last-Event-ID of a stream that had its end
FIRST_LINES = "retry: 2000\n\n"  # milliseconds until a browser comes back
KEEP_ALIVE = ": keep-alive\n\n"


def last_event_id() -> str:
    """Return what a client that comes back has seen last; empty for a new one."""
    return request.headers.get("Last-Event-ID", "")


def respond(state: State, events: Iterator[str]) -> Response:
    """Answer with a stream; a client that has seen its end is told not to come back.

    Raises:
        ApiError: 503 too_many_streams.
    """
    if last_event_id() == END_ID:
        return Response(status=204)
    if not state.streams.acquire(blocking=False):
        raise ApiError(503, "too_many_streams", "too many event streams are open", headers={"Retry-After": "5"})
    response = Response(events, mimetype="text/event-stream")
    response.call_on_close(state.streams.release)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def event_text(kind: str, data: Mapping[str, Any], identity: str = "") -> str:
    """Write one event."""
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
