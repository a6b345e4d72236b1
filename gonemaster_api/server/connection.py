"""uvicorn's HTTP/1.1 protocol with the bounds that uvicorn leaves to a proxy.

The bounds apply to unfinished heads, pipelined requests, and connections, in total and per client. A request that
exceeds them, or is malformed, gets a refusal: the application answers it with an error, in order with other requests.
"""

import asyncio
import time
from functools import partial
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gonemaster_api.errors import ApiError
from gonemaster_api.web.clients import client_key
from gonemaster_engine.texts import Text

_MAX_HEAD = 64 * 1024  # bytes of a head, or of the framing between two pieces of a body
_MAX_URL = _MAX_FIELD = 8190  # bytes
_MAX_FIELDS = 100
_HEAD_TIMEOUT_S = 5.0
_MAX_PIECE, _MIN_PIECE = 4096, 256  # bytes parsed in one step: they contain few pipelined requests
_SLOWDOWN, _BURST_S = 5, 0.25  # large data of a client take a fifth of the time of the event loop, after a burst
_FIRST_REQUEST_S = 1.0  # time for the first request on a connection accepted just before a stop
_MAX_UNSENT = 64 * 1024 * 1024  # bytes of all responses that wait for their clients
_SINGLE = (b"host", b"content-length", b"transfer-encoding")
_STAND_IN = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"  # in place of malformed data

_malformed = partial(ApiError, 400, "bad_request", Text("the request is not valid HTTP/1.1 (RFC 9112)"))
_too_large = partial(ApiError, 431, "headers_too_large", Text("the headers are too large"))
timed_out = partial(ApiError, 408, "request_timeout", Text("the request was not complete in time"))

log = structlog.get_logger(__name__)


class Peer:
    """A client with all its connections: their number, and the time until which it has used its share of the loop."""

    connections = 0
    busy_until = 0.0


class Connection(HttpToolsProtocol):
    """One HTTP connection. The limits are set once per process; trusted proxies have no separate limit.

    The scope of a request has the keys `connection`, `cycle` (uvicorn's object for the request), `target` and
    `refusal`, the error to answer with.
    """

    limit = 2000
    limit_per_client = 1000
    trusts: Any = staticmethod(lambda _address: False)
    _peers: ClassVar[WeakValueDictionary[str, Peer]] = WeakValueDictionary()
    parser: Any  # None when further data is ignored
    cycle: Any  # None before the first request
    scope: Any
    _timer: asyncio.TimerHandle | None = None
    _in_head = False
    _unfinished = 0  # bytes parsed since the last head or piece of a body was complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Refuse connections beyond the limits."""
        super().connection_made(transport)
        self._unparsed, self._waits_since = bytearray(), time.monotonic()
        address = self.client[0] if self.client else ""
        self.remote, self.is_proxy = client_key(address), self.trusts(address)
        self._peer = self._peers.setdefault(self.remote, Peer())
        self._peer.connections += 1
        is_excess = self._peer.connections > self.limit_per_client and not self.is_proxy
        if is_excess or len(self.connections) > self.limit:
            log.warning("connection closed: too many are open", remote=address, open=len(self.connections))
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection."""
        self._peer.connections -= 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, or stop reading for a time if the client has used its share of the event loop for large data."""
        if self.parser:
            self._unparsed += data
        began = self.loop.time()
        if self.is_proxy or len(self._unparsed) <= _MAX_PIECE:  # ordinary requests are not measured
            self._parse()
        elif self._peer.busy_until <= began:
            self._parse()
            used_s = self.loop.time() - began
            self._peer.busy_until = max(self._peer.busy_until, began - _BURST_S) + _SLOWDOWN * used_s
        elif self._timer is None and not self.transport.is_closing():
            self.transport.pause_reading()
            self._timer = self.loop.call_at(self._peer.busy_until, self._continue)

    def _continue(self) -> None:
        self._timer = None
        if not (self.flow.read_paused or self.transport.is_closing()):
            self.transport.resume_reading()
        self.data_received(b"")

    def _parse(self) -> None:
        """Parse data in pieces, which end with a head, until a pipelined request waits for the one before it."""
        while self._unparsed and self.parser and not (self.pipeline or self.transport.is_closing()):
            size = self._unparsed.find(b"\r\n\r\n", _MIN_PIECE - 4, _MAX_PIECE) + 4
            piece = bytes(self._unparsed[: size if size >= _MIN_PIECE else _MAX_PIECE])
            del self._unparsed[: len(piece)]
            self._unfinished += len(piece)
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as offer:  # an offer that a server may ignore (RFC 9110 section 7.8)
                self._unparsed[:0] = self._head_without_offer() + piece[offer.args[0] :]
            except httptools.HttpParserError:
                self._refuse(_malformed())
            else:
                if self._unfinished > _MAX_HEAD:
                    self._refuse(_too_large() if self._in_head else _malformed())
        if self.pipeline and not self.transport.is_closing():
            self.flow.pause_reading()

    def on_message_begin(self) -> None:
        """Begin a head. Empty lines before it do not count as activity."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_head, self._unfinished, self._waits_since = True, 0, time.monotonic()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header field. Trailer fields are dropped, because they would be taken for header fields."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, or queue it. A ValueError is answered as an error of the parser."""
        is_http = self.parser.get_http_version() in ("1.0", "1.1") and self.parser.get_method() != b"CONNECT"
        if not is_http or not (self.url[:1] == b"/" or b"://" in self.url):
            raise ValueError("neither HTTP/1.1 with a path nor with a URL")
        self._in_head, self._unfinished = False, 0
        super().on_headers_complete()
        self.scope |= {"connection": self, "cycle": self.cycle, "target": self.url}
        self.scope["refusal"] = _refusal_of(self.scope)

    def on_body(self, body: bytes) -> None:
        """Store a piece of a body."""
        self._unfinished = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Continue with the next request, or with the data that waited for this response."""
        super().on_response_complete()
        self.data_received(b"")

    def _should_upgrade(self) -> bool:
        """Let the base class skip a request that offers an upgrade; it is parsed again without the offer."""
        return True

    def _head_without_offer(self) -> bytes:
        fields = b"".join(b"%s: %s\r\n" % field for field in self.headers if field[0] != b"upgrade")
        version = self.parser.get_http_version().encode()
        return b"%s %s HTTP/%s\r\n%s\r\n" % (self.parser.get_method(), self.url, version, fields)

    def _refuse(self, error: ApiError) -> None:
        """Answer with an error after the responses to earlier requests, and ignore further data."""
        if self._in_head or self.cycle is None or not self.cycle.more_body:
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(_STAND_IN)
        else:  # the body of this request will never be complete
            self.cycle.more_body = False
            self.cycle.message_event.set()
        self.scope["refusal"], self.parser = error, None

    def check_time(self) -> None:
        """Refuse a head that is not complete in time, and close a connection without a request."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._waits_since = time.monotonic()  # the head may be waiting for this response
        is_late = time.monotonic() - self._waits_since > _HEAD_TIMEOUT_S
        if is_late and self._in_head and self.parser:
            self._refuse(timed_out())
        elif is_late and self.cycle is None:
            self.transport.close()

    def limit_unsent(self) -> None:
        """Abort the connections with the most unsent bytes until all together are below the limit."""
        unsent: dict[Any, int] = {each: each.transport.get_write_buffer_size() for each in self.connections}
        while sum(unsent.values()) > _MAX_UNSENT:
            slowest = max(unsent, key=unsent.__getitem__)
            log.warning("response given up: too much waits for slow clients", remote=slowest.remote)
            slowest.abort()
            del unsent[slowest]

    def abort(self) -> None:
        """Close a connection with a request, and discard unsent data."""
        self.transport.abort()
        self.cycle.disconnected = True  # uvicorn would write until the loop reports the end of the connection

    def shutdown(self) -> None:
        """Close the connection after its open request, or after the first request, which may still be in transit."""
        self.loop.call_later(0 if self.cycle else _FIRST_REQUEST_S, super().shutdown)


def _refusal_of(scope: Any) -> ApiError | None:
    """Return the error for a request whose head is too large, or valid for the parser but not for HTTP/1.1."""
    names = [name for name, _ in scope["headers"]]
    sizes = [len(name) + len(value) for name, value in scope["headers"]]
    codings = [value.lower() for name, value in scope["headers"] if name == b"transfer-encoding"]
    if len(scope["target"]) > _MAX_URL:
        return ApiError(414, "uri_too_long", Text("the URL is too long"))
    if len(sizes) > _MAX_FIELDS or max(sizes, default=0) > _MAX_FIELD:
        return _too_large()
    is_incomplete = b"host" not in names if scope["http_version"] == "1.1" else bool(codings)
    if is_incomplete or any(names.count(name) > 1 for name in _SINGLE):  # RFC 9112 sections 3.2 and 6.1
        return _malformed()
    if codings not in ([], [b"chunked"]):
        return ApiError(501, "not_implemented", Text("the transfer coding is not supported"))
    return None
