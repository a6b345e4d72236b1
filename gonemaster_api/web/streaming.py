"""Streamed responses, and the limit on open ones."""

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, g

from gonemaster_api.errors import Unavailable
from gonemaster_api.state import State
from gonemaster_engine.texts import Text


def validity(state: State) -> Callable[[], bool]:
    """Return a function that checks whether the token of this request is still valid."""
    identity = g.get("identity")
    if identity is None:
        return lambda: True
    keyring, digest = state.keyring, identity.token.digest
    return lambda: keyring.is_valid(digest)


def stream(state: State, pieces: Iterator[Any], *, mimetype: str) -> Response:
    """Respond with pieces that are produced as the client reads them. The number of open streams is limited.

    Raises:
        ApiError: 503 too_many_streams.
    """
    if not state.streams.acquire(blocking=False):
        raise Unavailable("too_many_streams", Text("too many streams are open"))
    response = Response(_while_valid(pieces, validity(state)), mimetype=mimetype)
    response.call_on_close(state.streams.release)
    return response


def _while_valid(pieces: Iterator[str], is_valid: Callable[[], bool]) -> Iterator[str]:
    """Yield the pieces while the token is valid.

    Abort the response afterwards, so that the client does not mistake the part for the whole.

    Raises:
        ConnectionAbortedError: the token was revoked.
    """
    for piece in pieces:
        if not is_valid():
            raise ConnectionAbortedError("the token of the request was revoked")
        yield piece
