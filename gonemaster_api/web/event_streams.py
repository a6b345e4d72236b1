"""Responses to requests for event streams. Flask applies the rules for all requests; the hub then writes the events."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from gonemaster_api.state import State
from gonemaster_api.streams.texts import END_ID
from gonemaster_api.web.clients import client_key
from gonemaster_api.web.streaming import validity

FOLLOW = "gonemaster.follow"  # environ key: the coroutine that the server awaits after the first text

Follow = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Feed:
    """The content of an event stream: `first` is sent immediately, `follow` writes the rest.

    None means that nothing follows.
    """

    first: str
    follow: Follow | None = None


def last_event_id() -> str:
    """Return the id of the last event that a reconnecting client received, or an empty string for a new client."""
    return request.headers.get("Last-Event-ID", "")


def respond(state: State, feed: Feed) -> Response:
    """Respond with events. A client that received the final event gets 204, which makes browsers stop reconnecting.

    Raises:
        ApiError: 503 too_many_streams, 429 too_many_client_streams.
    """
    if last_event_id() == END_ID:
        return Response(status=204)
    if feed.follow is None or request.method == "HEAD":
        response = Response(feed.first, mimetype="text/event-stream")
    else:
        response = _watched(state, feed.first, feed.follow)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"  # otherwise nginx buffers events until its buffer is full
    return response


def _watched(state: State, first: str, follow: Follow) -> Response:
    give_back = state.seats.take(client_key())
    is_valid = validity(state)

    async def follow_while_valid(write: Any, is_gone: Callable[[], bool]) -> None:
        await follow(write, lambda: is_gone() or not is_valid())

    request.environ[FOLLOW] = follow_while_valid
    response = Response(iter((first,)), mimetype="text/event-stream")  # a list would get a Content-Length
    response.call_on_close(give_back)
    return response
