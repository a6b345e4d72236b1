"""uvicorn's HTTP/1.1 protocol with the bounds that uvicorn leaves to a proxy.

The bounds apply to unfinished heads, pipelined requests, and connections, in total and per client. A request that
exceeds them, or is malformed, gets a refusal: the application answers it with an error, in order with other requests.
"""

import asyncio
import sys
import time
from functools import partial
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import httptools
import structlog
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gonemaster_api.errors import ApiError
from gonemaster_api.web.clients import client_key
from gonemaster_engine.texts import Text

_MAX_HEAD = 64 * 1024  # bytes of a head, or of the framing between two pieces of a body
_MAX_URL = _MAX_FIELD = 8190  # bytes
_MAX_FIELDS = 100
_HEAD_TIMEOUT_S = 5.0
_PIECE = 512  # bytes read and parsed in one step: they contain few pipelined requests
_SLOWDOWN, _BURST_S = 5, 0.25  # a client takes a fifth of the time of the event loop, after a burst
_FIRST_REQUEST_S = 1.0  # time for the first request on a connection accepted just before a stop
_MAX_UNSENT = 64 * 1024 * 1024  # bytes of all responses that wait for their clients
_STAND_IN = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"  # in place of malformed data

_malformed = partial(ApiError, 400, "bad_request", Text("the request is not valid HTTP/1.1 (RFC 9112)"))
_too_large = partial(ApiError, 431, "headers_too_large", Text("the headers are too large"))
timed_out = partial(ApiError, 408, "request_timeout", Text("the request was not complete in time"))

log = structlog.get_logger(__name__)


class Peer:
    """A client with all its connections, its share of the threads, and the time until which it waits for the loop."""

    def __init__(self, share: int) -> None:
        self.connections = 0
        self.threads, self.few = asyncio.Semaphore(share), asyncio.Semaphore(max(1, share // 8))
        self.writers = asyncio.Semaphore(max(1, share * 3 // 4))  # the client can read while its writes wait for locks
        self.busy_until = 0.0


class _Reader(FlowControl):
    """The protocol for the transport, and the flow control of a connection.

    Unlike uvicorn's, it has a buffer, so that a turn of the loop reads one piece; and it reads nothing while pipelined
    requests wait or the client waits for its share.
    """

    _buffer = bytearray(_PIECE)

    def __init__(self, connection: "Connection") -> None:
        super().__init__(connection.transport)
        self._connection = connection
        self.eof_received, self.connection_lost = connection.eof_received, connection.connection_lost

    def get_buffer(self, _size: int) -> bytearray:
        """Return where the transport stores the next piece."""
        return self._buffer

    def buffer_updated(self, size: int) -> None:
        """Pass a piece on. All connections share the buffer, because the loop reads and passes on without a pause."""
        self._connection.data_received(bytes(self._buffer[:size]))

    def resume_reading(self) -> None:
        """Resume, unless the reason to pause still holds."""
        if not (self._connection.pipeline or self._connection.timer):
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """One HTTP connection. The limits are set once per process; trusted proxies have no separate limit.

    The scope of a request has the keys `connection`, `cycle` (uvicorn's object for the request), `target` and
    `refusal`, the error to answer with.
    """

    limit = 2000
    limit_per_client = 500
    threads_per_client = 16
    trusts: Any = staticmethod(lambda _address: False)
    # The base class skips a request that offers an upgrade; it is parsed again without the offer.
    _should_upgrade = staticmethod(lambda: True)
    _peers: ClassVar[WeakValueDictionary[str, Peer]] = WeakValueDictionary()
    parser: Any  # None when further data is ignored
    cycle: Any  # None before the first request
    scope: Any
    timer: asyncio.TimerHandle | None = None  # while the client waits for its share of the loop
    _in_head = False
    _unfinished = 0  # bytes parsed since the last head or piece of a body was complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Refuse connections beyond the limits."""
        super().connection_made(transport)
        self.flow, self._waits_since = _Reader(self), time.monotonic()
        transport.set_protocol(self.flow)  # type: ignore[arg-type]  # uvloop looks for the methods
        address = self.client[0] if self.client else ""
        self.remote, self.is_proxy = client_key(address), self.trusts(address)
        share = sys.maxsize if self.is_proxy else self.threads_per_client
        self.peer = self._peers.setdefault(self.remote, Peer(share))
        self.peer.connections += 1
        if len(self.connections) > self.limit or (self.peer.connections > self.limit_per_client and not self.is_proxy):
            log.warning("connection closed: too many are open", remote=address, open=len(self.connections))
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection."""
        self.peer.connections -= 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse a piece, at the expense of the client."""
        began = time.thread_time()
        if self.parser:
            self._parse(data)
        self.charge(time.thread_time() - began)

    def charge(self, used_s: float) -> None:
        """Charge the client for time of the event loop. After more than its share, its data wait in the kernel."""
        now = self.loop.time()
        self.peer.busy_until = max(self.peer.busy_until, now - _BURST_S) + _SLOWDOWN * used_s
        if self.peer.busy_until > now and self.timer is None and not self.is_proxy:
            self.flow.pause_reading()
            self.timer = self.loop.call_at(self.peer.busy_until, self._continue)

    def _continue(self) -> None:
        self.timer = None
        self.flow.resume_reading()

    def _parse(self, piece: bytes) -> None:
        self._unfinished += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as offer:  # an offer that a server may ignore (RFC 9110 section 7.8)
            fields = b"".join(b"%s: %s\r\n" % field for field in self.headers if field[0] != b"upgrade")
            start = self.parser.get_method(), self.url, self.parser.get_http_version().encode()
            self._parse(b"%s %s HTTP/%s\r\n%s\r\n%s" % (*start, fields, piece[offer.args[0] :]))
        except httptools.HttpParserError:
            self._refuse(_malformed())
        else:
            if self._unfinished > _MAX_HEAD:
                self._refuse(_too_large() if self._in_head else _malformed())

    def on_message_begin(self) -> None:
        """Begin a head. Empty lines before it do not count as activity. A ValueError ends the data of this client."""
        if self._is_refused():  # its framing may be wrong, so what follows it may be no request
            raise ValueError("data after a refused request")
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_head, self._unfinished, self._waits_since = True, 0, time.monotonic()

    def on_headers_complete(self) -> None:
        """Start the request, or queue it. A ValueError is answered as an error of the parser."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT" or self.url == b"*" or version not in ("1.0", "1.1"):
            raise ValueError("not HTTP/1.1, or no path")
        self._in_head, self._unfinished = False, 0
        super().on_headers_complete()
        fields = tuple(self.headers)  # without the trailer fields that may follow
        self.scope |= {"headers": fields, "connection": self, "cycle": self.cycle, "target": self.url}
        self.scope["refusal"] = _refusal_of(self.scope)

    def _is_refused(self) -> bool:
        return self.scope is not None and self.scope.get("refusal") is not None

    def on_body(self, body: bytes) -> None:
        """Store a piece of a body."""
        self._unfinished = 0
        super().on_body(body)

    def _refuse(self, error: ApiError) -> None:
        """Answer with an error after the responses to earlier requests, and ignore further data."""
        if self.cycle and self.cycle.more_body:  # the body of this request will never be complete
            self.on_message_complete()
        elif self._is_refused():
            error = self.scope["refusal"]
        else:
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(_STAND_IN)
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
    fields = scope["headers"]
    names = [name for name, _ in fields]
    codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
    hosts = names.count(b"host")
    if len(scope["target"]) > _MAX_URL:
        return ApiError(414, "uri_too_long", Text("the URL is too long"))
    if len(names) > _MAX_FIELDS or any(len(name) + len(value) > _MAX_FIELD for name, value in fields):
        return _too_large()
    if hosts > 1 or (not hosts if scope["http_version"] == "1.1" else codings):  # RFC 9112 sections 3.2 and 6.1
        return _malformed()
    if codings not in ([], [b"chunked"]):
        return ApiError(501, "not_implemented", Text("the transfer coding is not supported"))
    return None
