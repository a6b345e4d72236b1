"""Responses that are written while their client reads them, and the limits of open ones."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from flask import Response, g, request

from gonemaster_api.errors import RETRY_AFTER_S, ApiError
from gonemaster_api.live.texts import END_ID
from gonemaster_api.live.viewers import Feed, Outlet, QueueOutlet, TooManyViewers, Viewer
from gonemaster_api.state import End, State
from gonemaster_api.web.clients import client_key
from gonemaster_api.web.light_requests import be_heavy
from gonemaster_engine.texts import Text

HANDS_OVER = "gonemaster.hands_over"  # in environ: this server takes `WATCH` from there
WATCH = "gonemaster.watch"  # in environ: what the server calls with the connection behind the response's headers
_WAIT_S = 1.0
_RETRY = {"Retry-After": str(RETRY_AFTER_S)}

Watch = Callable[[Outlet], Callable[[], None]]  # returns what to call when the connection ends


def last_event_id() -> str:
    """Return the id of the last event that a reconnecting client received; empty for a new client."""
    return request.headers.get("Last-Event-ID", "")


class _EndOfStream:
    """Ends a stream when the process stops, or when the token that it was opened with is no longer valid."""

    def __init__(self, stopping: End, is_valid: Callable[[], bool]) -> None:
        self._stopping = stopping
        self.is_valid = is_valid

    def is_set(self) -> bool:
        """Return whether the stream is to end."""
        return self._stopping.is_set() or not self.is_valid()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the process to stop, for some seconds at most, and return whether the stream is to end."""
        return self._stopping.wait(timeout) or not self.is_valid()


def for_stream(state: State) -> State:
    """Return the state for the stream that this request opens."""
    identity = g.get("identity")
    if identity is None:
        return state
    keyring, digest = state.keyring, identity.token.digest
    return replace(state, stopping=_EndOfStream(state.stopping, lambda: keyring.is_valid(digest)))


def _while_valid(pieces: Iterator[str], end: End) -> Iterator[str]:
    """Yield the pieces as long as their reader may have them; then break off, or a part would be taken for the whole.

    Raises:
        ConnectionAbortedError: the token was revoked.
    """
    for piece in pieces:
        if isinstance(end, _EndOfStream) and not end.is_valid():
            raise ConnectionAbortedError("the token of the request was revoked")
        yield piece


def respond(state: State, feed: Feed) -> Response:
    """Answer with events. A client that received the end gets 204, upon which browsers stop reconnecting.

    Events that are still to come take no thread: the server hands the connection to the hub behind the first text.

    Raises:
        ApiError: 503 too_many_streams, 429 too_many_client_streams.
    """
    if last_event_id() == END_ID:
        return Response(status=204)
    if feed.join is None or request.method == "HEAD":
        response = Response(feed.first, mimetype="text/event-stream")
    else:
        response = _watched(state, feed.first, feed.join)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"  # else nginx collects events until its buffer is full
    return response


def _watched(state: State, first: str, join: Callable[[Viewer], None]) -> Response:
    give_back = _take_seat(state)

    def watch(outlet: Outlet) -> Callable[[], None]:
        viewer = Viewer(outlet=outlet, end=state.stopping)
        join(viewer)
        return lambda: state.hub.leave(viewer)

    if request.environ.get(HANDS_OVER):
        request.environ[WATCH] = watch
        response = Response(iter((first,)), mimetype="text/event-stream")  # a list would get a Content-Length
    else:
        response = Response(_read_along(first, watch), mimetype="text/event-stream")
    response.call_on_close(give_back)
    return response


def _take_seat(state: State) -> Callable[[], None]:
    try:
        return state.seats.take(client_key())
    except TooManyViewers as error:
        if error.of_client:
            text = Text("{limit} event streams of this client are open", limit=error.limit)
            raise ApiError(429, "too_many_client_streams", text, headers=_RETRY) from error
        raise ApiError(503, "too_many_streams", Text("too many event streams are open"), headers=_RETRY) from error


def _read_along(first: str, watch: Watch) -> Iterator[bytes]:
    """Yield what comes, for a server that gives each response a thread (tests)."""
    outlet = QueueOutlet()
    yield first.encode()
    leave = watch(outlet)
    try:
        while (piece := outlet.next(_WAIT_S)) is not None:
            if piece:
                yield piece
    finally:
        outlet.close()
        leave()


def stream(state: State, pieces: Iterator[Any], *, mimetype: str) -> Response:
    """Answer with pieces that are made as the client takes them.

    Such a stream occupies a thread for as long as it is open; the limit leaves a quarter of the threads to others.

    Raises:
        ApiError: 503 too_many_streams.
    """
    if not state.streams.acquire(blocking=False):
        raise ApiError(503, "too_many_streams", Text("too many streams are open"), headers=_RETRY)
    be_heavy()
    response = Response(_while_valid(pieces, state.stopping), mimetype=mimetype)
    response.call_on_close(state.streams.release)
    return response
