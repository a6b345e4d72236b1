"""Responses that are written while their client reads them, and the limit of open ones."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, request

from gonemaster_api.errors import RETRY_AFTER_S, ApiError
from gonemaster_api.state import State
from gonemaster_api.web.light_requests import be_heavy

END_ID = "end"  # Last-Event-ID of a stream that ended
FIRST_LINES = "retry: 2000\n\n"  # milliseconds until a browser reconnects
KEEP_ALIVE = ": keep-alive\n\n"


def last_event_id() -> str:
    """Return the id of the last event that a reconnecting client received; empty for a new client."""
    return request.headers.get("Last-Event-ID", "")


def respond(state: State, events: Iterator[str]) -> Response:
    """Answer with a stream of events. A client that received its end gets 204, upon which browsers stop reconnecting.

    Raises:
        ApiError: 503 too_many_streams.
    """
    if last_event_id() == END_ID:
        return Response(status=204)
    response = stream(state, events, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"  # else nginx collects events until its buffer is full
    return response


def stream(state: State, pieces: Iterator[str], *, mimetype: str) -> Response:
    """Answer with pieces that are made as the client takes them.

    A stream occupies a thread for as long as it is open; the limit leaves a quarter of the threads to other requests.

    Raises:
        ApiError: 503 too_many_streams.
    """
    if not state.streams.acquire(blocking=False):
        raise ApiError(
            503, "too_many_streams", "too many streams are open", headers={"Retry-After": str(RETRY_AFTER_S)}
        )
    be_heavy()
    response = Response(pieces, mimetype=mimetype)
    response.call_on_close(state.streams.release)
    return response


def event_text(kind: str, data: Mapping[str, Any], identity: str = "") -> str:
    """Return one event in the text form of the HTML standard."""
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
