"""uvicorn's HTTP/1.1 protocol with additional limits on heads, connections and pipelining."""

import asyncio
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gonemaster_api.server.refusals import BAD_REQUEST, HEADERS_TOO_LARGE, REQUEST_TIMEOUT, Refusal, response_of

HEADER_TIMEOUT_S = 5.0
MAX_HEAD = 65536  # bytes
_MAX_TRAILER = 16384
_MAX_PIPELINED = 20_000  # requests that wait behind another request of their connection
_SMALL_PIECES = 65536  # pieces of a body; beyond this number they must have 16 bytes on average
_MEAN_PIECE = 16
_FIRST_REQUEST_S = 1.0  # time for the first request on a connection accepted just before a stop
_LINGER_S = 2.0  # time for a client that is still sending a refused body to read the response
HALF_CLOSED_S = 2.0  # a client that closed its sending side is assumed to wait this long for a response

_UPGRADE = re.compile(rb"\nupgrade:", re.IGNORECASE)

log = structlog.get_logger(__name__)


class Protocol(HttpToolsProtocol):
    """One HTTP connection. `connection_limit` is set once per process."""

    connection_limit = 1000
    _head_size = 0  # bytes of an incomplete head
    _in_head = False
    _pieces = _body_size = _trailer_size = 0  # for the body that is being received
    _deadline: asyncio.TimerHandle | None = None
    _broken: Refusal | None = None  # the data after the last request was not HTTP
    _arrived = 0.0
    _half_closed = False
    _closes = False
    on_lost: Callable[[], object] = staticmethod(lambda: None)  # callback of the stream that is being sent

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Start the time limit for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self.connection_limit:
            log.warning("connection closed: too many are open", limit=self.connection_limit)
            transport.abort()
        self._deadline = self.loop.call_later(HEADER_TIMEOUT_S, self._on_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time limit and drop the waiting requests."""
        self._cancel_deadline()
        self.pipeline.clear()
        self.on_lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received data. The whole head has one deadline, which progress does not extend."""
        if self._broken:
            return
        if b"pgrade" in data.lower() and not self._reads_body():
            # Upgrades are not supported (RFC 9110 section 7.8), and the parser would treat the body as another
            # protocol.
            head, end, rest = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(rb"\nx-upgrade:", head) + end + rest
        self._head_size += len(data)  # reset to 0 if a request begins in this data
        super().data_received(data)
        if not self._in_head or self.parser is None:
            self._cancel_deadline()
            return
        if self._head_size > MAX_HEAD:
            self._refuse(HEADERS_TOO_LARGE)
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_TIMEOUT_S, self._on_late)

    def on_message_begin(self) -> None:
        """Give the application access to the connection."""
        super().on_message_begin()
        self._in_head, self._head_size = True, 0
        self._pieces = self._body_size = self._trailer_size = 0
        self.scope["extensions"] = {"gonemaster": {"connection": self}}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header field. Trailer fields are dropped, because they could be mistaken for header fields."""
        if self._in_head:
            super().on_header(name, value)
            return
        self._trailer_size += len(name) + len(value) + 4
        if self._trailer_size > _MAX_TRAILER:
            raise ValueError("the trailer is too long")  # the client gets 400, as for errors of the parser

    def on_body(self, body: bytes) -> None:
        """Store a piece of a body. Each piece costs time, so the number of small pieces is limited."""
        self._pieces, self._body_size = self._pieces + 1, self._body_size + len(body)
        if self._pieces > _SMALL_PIECES + self._body_size // _MEAN_PIECE:
            raise ValueError("too many small chunks")
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Start the request, or queue it behind the previous one."""
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise ValueError("another version of HTTP")
        if not (self.url.startswith(b"/") or b"://" in self.url):
            raise ValueError("the target is no path and no URL")
        self._in_head = False
        self._arrived = time.monotonic()
        if len(self.pipeline) >= _MAX_PIPELINED:
            self.transport.abort()
            return
        self.scope["extensions"]["gonemaster"]["target"] = self.url  # an absolute URL names a host
        super().on_headers_complete()
        if self._closes:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """Start the next pipelined request, and stop reading while others wait."""
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()
        elif self._broken and not self.transport.is_closing():
            self._refuse(self._broken)
        elif self._half_closed and self.cycle.response_complete:
            self.transport.close()
        elif self.cycle.more_body:
            self.loop.call_later(_LINGER_S, self.transport.abort)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio.Protocol allows it
        """Finish the response to a client that has closed only its sending side."""
        waits = bool(self.pipeline) or not (self._is_answering() and self.cycle.response_started)
        self._half_closed = self._is_answering() and not self.cycle.more_body and waits
        return self._half_closed

    def shutdown(self) -> None:
        """Close the connection after its open request, or after the first request, which may still be in transit."""
        self._closes = True
        if not self._has_begun():
            self.loop.call_later(_FIRST_REQUEST_S, super().shutdown)
        else:
            super().shutdown()

    def has_left(self) -> bool:
        """Return whether the client has stopped waiting for a response."""
        if self._half_closed:
            return time.monotonic() > self._arrived + HALF_CLOSED_S
        return self.transport.is_closing()

    def end_by_closing(self) -> bool:
        """Mark the end of a response of unknown length by closing the connection, if the client uses HTTP/1.0."""
        if self.scope["http_version"] == "1.1":
            return False
        self.cycle.chunked_encoding, self.cycle.expected_content_length = False, sys.maxsize
        return True

    def abort(self) -> None:
        """Close the connection and discard unsent data."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse data that is not HTTP, after the responses to earlier requests."""
        self._refuse(BAD_REQUEST)

    def _has_begun(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is not None

    def _reads_body(self) -> bool:
        return self._has_begun() and self.cycle.more_body and not self._in_head

    def _is_answering(self) -> bool:
        return self._has_begun() and not self.cycle.response_complete

    def _on_late(self) -> None:
        if self._is_answering():  # the next head is not read during a response
            self._deadline = self.loop.call_later(HEADER_TIMEOUT_S, self._on_late)
        elif self._in_head:
            self._refuse(REQUEST_TIMEOUT)
        elif not self._has_begun():
            self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        self._broken = refusal
        if self._is_answering() and self.cycle.more_body:  # the body will never be complete
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.pipeline:
                self.pipeline.popleft()
                return
        elif self._is_answering():
            return
        remote = self.client[0] if self.client else ""
        self.transport.write(b"".join(response_of(refusal, remote=remote)))
        self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.abort)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def connection_of(scope: Any) -> Protocol:
    """Return the connection of a request."""
    connection: Protocol = scope["extensions"]["gonemaster"]["connection"]
    return connection
