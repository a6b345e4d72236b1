"""uvicorn's HTTP/1.1 protocol with the bounds that uvicorn leaves to a proxy.

The bounds apply to unfinished heads, pipelined requests, and connections, in total and per client.
"""

import asyncio
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gonemaster_api.errors import error_document
from gonemaster_api.web.headers import API_HEADERS

MAX_HEAD = 64 * 1024  # bytes of a head, or of the framing between two pieces of a body
_HEAD_TIMEOUT_S = 5.0
_STEP = 4096  # bytes parsed in one step: they contain a limited number of pipelined requests
_FIRST_REQUEST_S = 1.0  # time for the first request on a connection accepted just before a stop
_LINGER_S = 2.0  # time for a client that is still sending to read the refusal

_UPGRADE = re.compile(rb"^upgrade:", re.IGNORECASE | re.MULTILINE)

log = structlog.get_logger(__name__)


class Connection(HttpToolsProtocol):
    """One HTTP connection. The limits are set once per process; `proxies` have no separate limit."""

    limit = 2000
    limit_per_client = 1000
    trusts: Any = staticmethod(lambda _address: False)
    _open: ClassVar[Counter[str]] = Counter()
    remote = ""
    _unfinished = 0  # bytes received since the last head or piece of a body was complete
    _in_head = False
    _timer: asyncio.TimerHandle | None = None
    _refusal: tuple[HTTPStatus, str, str] | None = None  # the error for the data after the received requests

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Refuse connections beyond the limits, and start the time limit for the first head."""
        super().connection_made(transport)
        self._waiting = bytearray()
        self.remote = self.client[0] if self.client else ""
        self._open[self.remote] += 1
        is_excess = self._open[self.remote] > self.limit_per_client and not self.trusts(self.remote)
        if is_excess or len(self.connections) > self.limit:
            log.warning("connection closed: too many are open", remote=self.remote, open=len(self.connections))
            transport.abort()
        self._timer = self.loop.call_later(_HEAD_TIMEOUT_S, self._on_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection, and drop the requests that wait."""
        self._stop_timer()
        self._open[self.remote] -= 1
        if not self._open[self.remote]:
            del self._open[self.remote]
        self.pipeline.clear()
        self._waiting.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, step by step, unless a pipelined request waits. The whole head has one time limit."""
        if self._is_deaf():
            return
        self._waiting += data
        while not self.pipeline and not self._is_deaf() and (piece := self._next_piece()):
            self._unfinished += len(piece)
            super().data_received(piece)
        if self.pipeline:
            self.flow.pause_reading()
        if self._is_deaf():
            return
        if self._unfinished > MAX_HEAD:
            large = (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "the headers are too large")
            self._refuse(*large) if self._in_head else self.send_400_response("")
        elif self._in_head and self._timer is None:
            self._timer = self.loop.call_later(_HEAD_TIMEOUT_S, self._on_late)

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head, self._unfinished = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header field. Trailer fields are dropped, because they would be taken for header fields."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, or queue it. A ValueError is answered as an error of the parser."""
        if self.parser.get_http_version() not in ("1.0", "1.1") or not (self.url[:1] == b"/" or b"://" in self.url):
            raise ValueError("neither HTTP/1.1 with a path nor with a URL")
        if self.parser.should_upgrade():
            raise ValueError("an upgrade behind the body of another request, in one segment")
        self._in_head, self._unfinished = False, 0
        self._stop_timer()
        self.scope["extensions"] = {"gonemaster": {"connection": self, "target": self.url}}
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Store a piece of a body."""
        self._unfinished = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Continue with the next request, or with the data that waited for this response."""
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()
        elif self._refusal:
            self._refuse(*self._refusal)
        elif self._waiting:
            self.data_received(b"")

    def send_400_response(self, msg: str) -> None:
        """Refuse data that is not HTTP, after the responses to earlier requests."""
        self._refuse(HTTPStatus.BAD_REQUEST, "bad_request", "the request is not valid HTTP/1.1 (RFC 9112)")

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        self._refusal = (status, code, message)
        if self.is_answering() and not self.cycle.more_body:
            return  # on_response_complete continues
        if self.is_answering():  # its body will never be complete
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.pipeline:
                self.pipeline.popleft()
                return
        log.warning("request refused", status=int(status), code=code, remote=self.remote)
        self.transport.write(b"".join(_response(status, code, message)))
        self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.abort)

    def abort(self) -> None:
        """Close the connection and discard unsent data."""
        self.transport.abort()
        if self.is_answering():
            self.cycle.disconnected = True

    def shutdown(self) -> None:
        """Close the connection after its open request, or after the first request, which may still be in transit."""
        if self.is_new:
            self.loop.call_later(_FIRST_REQUEST_S, super().shutdown)
        else:
            super().shutdown()

    @property
    def is_new(self) -> bool:
        """Return whether the connection has not had a request yet."""
        cycle: Any = self.cycle
        return cycle is None

    def is_answering(self) -> bool:
        """Return whether a request has been received and its response is not complete."""
        return not self.is_new and not self.cycle.response_complete

    def _is_deaf(self) -> bool:
        """Return whether further data is ignored."""
        parser: Any = self.parser  # None after the end of the connection
        return self._refusal is not None or parser is None

    def _next_piece(self) -> bytes:
        """Return the next data for the parser, without the upgrade that a head offers (RFC 9110 section 7.8).

        The parser would skip the body after the offer. A line that may become such an offer waits until it is complete.
        """
        size, is_head = _STEP, not self.is_answering() or self._in_head or not self.cycle.more_body
        if is_head:
            size = self._waiting.find(b"\r\n\r\n", 0, _STEP) + 4
            line = self._waiting.rfind(b"\n", 0, _STEP) + 1
            if size < 4:
                may_offer = b"upgrade:".startswith(self._waiting[line : line + 8].lower())
                size = line if may_offer and (line or len(self._waiting) < _STEP) else _STEP
        piece = bytes(self._waiting[:size])
        del self._waiting[:size]
        return _UPGRADE.sub(b"x-upgrade:", piece) if is_head else piece

    def _on_late(self) -> None:
        self._timer = None
        if self._in_head and not self.is_answering():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", "the request was not complete in time")
        elif self.is_new:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _response(status: HTTPStatus, code: str, message: str) -> Iterable[bytes]:
    content = json.dumps(error_document(code, message)).encode()
    yield f"HTTP/1.1 {int(status)} {status.phrase}\r\nconnection: close\r\ncontent-type: application/json\r\n".encode()
    for name, value in API_HEADERS.items():
        yield f"{name}: {value}\r\n".encode()
    yield b"x-request-id: %s\r\ncontent-length: %d\r\n\r\n" % (uuid.uuid4().hex.encode(), len(content)) + content
