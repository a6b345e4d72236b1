"""The ASGI application of the API: it receives whole requests, runs Flask in threads and sends from the event loop.

A thread gets a request only after it has been received completely, and never waits for a client to read a response.
Slow clients therefore occupy connections and bounded buffers, but no threads.
"""

import asyncio
import json
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes
from weakref import WeakValueDictionary

import structlog
from flask import Flask

from gonemaster_api.errors import RETRY_AFTER_S, ApiError, error_document
from gonemaster_api.queries.health import overloaded_readiness
from gonemaster_api.server.bodies import Bodies, ClientGone
from gonemaster_api.server.connection import MAX_HEAD, Connection
from gonemaster_api.state import NAME, State
from gonemaster_api.web.event_streams import FOLLOW
from gonemaster_api.web.exporter import http_metrics
from gonemaster_api.web.headers import API_HEADERS
from gonemaster_api.web.refusals import REFUSAL
from gonemaster_api.web.request_deadlines import HAS_LEFT
from gonemaster_engine.texts import Text

PATIENCE_S = 0.6  # maximum wait for a thread, so that responses arrive within a second
BULK_THREADS = 2  # for long requests: more would keep other threads from the interpreter
_MAX_URL = _MAX_FIELD = 8190  # bytes
_MAX_FIELDS = 100
_PIECE = 64 * 1024  # bytes of a response of unknown length that are sent together
_MAX_UNSENT = 64 * 1024 * 1024  # bytes of all responses that wait for their clients
_LINGER_S = 2.0  # time for a client that is still sending its body to read a refusal
# Responses that may have megabytes: pages with more than a hundred items, results, differences and counts of all runs.
_BULK = re.compile(
    r"/api/v1/(?:entries|.*/(?:result|dnssec-chain|diff/[^/]*|delete-preview|tag-values)|batches/[^/]*)/?"
)
_LONG_PAGE = re.compile(r"(?:^|&)(?:limit|page_size)=0*+(?:10[1-9]|1[1-9]\d|[2-9]\d\d|\d{4,}+)(?:&|$)")
_READINESS = "/api/v1/readyz"
_OVERLOADED = "the server has more requests than it can answer in time"
_LOG_EVERY_S = 10.0
_READING = ("GET", "HEAD", "OPTIONS")
_SINGLE = (b"host", b"content-length", b"transfer-encoding")

log = structlog.get_logger(__name__)


class _Answer(NamedTuple):
    """A response of the application: `pieces` produce the rest if its length is unknown."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    pieces: Any = None


class Bridge:
    """The adapter that serves Flask over ASGI.

    It handles `threads` requests at the same time, three quarters of them for one client; others wait, and are refused
    after a time limit. Requests that write leave some threads to those that read, because they may all be waiting for
    a lock in the database.
    """

    def __init__(self, app: Flask, *, threads: int) -> None:
        self._app = app
        state: State = app.extensions[NAME]
        self._bodies = Bodies(state.settings, state.keyring)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._bulk = ThreadPoolExecutor(BULK_THREADS, thread_name_prefix="bulk")
        self._free = asyncio.Semaphore(threads)
        self._logged_at = float("-inf")
        self._share = max(1, threads * 3 // 4)
        self._writers = asyncio.Semaphore(max(1, self._share - max(1, threads // 8)))
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()  # by client

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request."""
        try:
            await self._serve(scope, receive, send)
        except RuntimeError:
            connection: Connection = scope["extensions"]["gonemaster"]["connection"]
            if not connection.transport.is_closing():
                raise
            connection.abort()  # it was closed while the response was being written

    async def _serve(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        connection: Connection = scope["extensions"]["gonemaster"]["connection"]
        environ = environ_of(scope)
        environ[HAS_LEFT] = connection.transport.is_closing
        environ[REFUSAL] = refusal_of(scope)
        try:
            async with self._bodies.received(environ, receive) as is_whole:
                answer = await self._answer(environ, connection)
        except ClientGone:
            return
        if not is_whole or environ.get(FOLLOW):
            answer.headers.append((b"connection", b"close"))
        cycle: Any = connection.cycle
        if answer.pieces is not None and scope["http_version"] == "1.0":  # the end of the connection ends the response
            cycle.chunked_encoding, cycle.expected_content_length = False, sys.maxsize
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        if answer.pieces is not None:
            await self._send_pieces(start, answer.pieces, environ.get(FOLLOW), connection, send)
            return
        await send(start)
        if len(answer.body) > _PIECE:
            limit_unsent(connection.connections)
        await send({"type": "http.response.body", "body": answer.body, "more_body": not is_whole})
        if not is_whole:  # closing now would reset the connection, and the client could not read the response
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINGER_S):
                    while (await receive()).get("more_body"):
                        pass
            await send({"type": "http.response.body"})

    async def _answer(self, environ: dict[str, Any], connection: Connection) -> _Answer:
        """Call the application in a thread, or refuse the request if no thread becomes free in time."""
        loop = asyncio.get_running_loop()
        query = environ["QUERY_STRING"]
        if "format=csv" not in query and (_BULK.fullmatch(environ["PATH_INFO"]) or _LONG_PAGE.search(query)):
            return await loop.run_in_executor(self._bulk, self._call, environ)  # few threads; bulk requests may wait
        is_proxy = connection.trusts(connection.remote)
        share = self._free if is_proxy else self._shares.setdefault(connection.remote, asyncio.Semaphore(self._share))
        try:
            allowed = nullcontext() if environ["REQUEST_METHOD"] in _READING else self._writers
            async with asyncio.timeout(PATIENCE_S) as limit, allowed, share:
                if share is not self._free:
                    await self._free.acquire()
                limit.reschedule(None)
                try:
                    return await loop.run_in_executor(self._threads, self._call, environ)
                finally:
                    if share is not self._free:
                        self._free.release()
        except TimeoutError:
            return self._refuse(environ["PATH_INFO"])

    def _refuse(self, path: str) -> _Answer:
        """Refuse a request under overload, without the application, whose work would delay other requests.

        A probe of readiness gets the document that it expects with status 503.
        """
        http_metrics(self._app).count_code("overloaded")
        if (now := time.monotonic()) >= self._logged_at + _LOG_EVERY_S:
            self._logged_at = now
            log.warning("overloaded: requests are refused")
        is_probe = path.rstrip("/") == _READINESS
        document = overloaded_readiness() if is_probe else error_document("overloaded", _OVERLOADED)
        body = json.dumps(document).encode()
        headers = API_HEADERS | {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Retry-After": str(RETRY_AFTER_S),
            "X-Request-Id": uuid.uuid4().hex,
        }
        return _Answer(503, [(name.lower().encode(), value.encode()) for name, value in headers.items()], body)

    def _call(self, environ: dict[str, Any]) -> _Answer:
        """Call the application and return its response; runs in a thread."""
        head: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _error: object = None, /) -> Callable[[bytes], object]:
            head.extend((status, headers))
            return lambda _: None

        pieces: Any = self._app(environ, start)
        status = int(head[0][:3])
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in head[1]]
        without_body = status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        if not without_body and not any(name == b"content-length" for name, _ in headers):
            return _Answer(status, headers, b"", pieces)
        try:
            return _Answer(status, headers, b"".join(pieces))
        finally:
            getattr(pieces, "close", lambda: None)()

    async def _send_pieces(self, start: Any, pieces: Any, follow: Any, connection: Connection, send: Any) -> None:
        """Send pieces as they are produced, then the events of `follow`, until the client has left."""

        async def write(piece: bytes) -> None:
            for at in range(0, len(piece), _PIECE):  # so that a slow client soon makes the sender wait
                await send({"type": "http.response.body", "body": piece[at : at + _PIECE], "more_body": True})

        loop, source = asyncio.get_running_loop(), iter(pieces)
        try:  # closes the pieces in any case: they hold the seat of a viewer or the place of a stream
            await send(start)
            while piece := await loop.run_in_executor(self._bulk, _next_piece, source):
                await write(piece)
                if connection.transport.is_closing():
                    return
            if follow:
                await follow(write, connection.transport.is_closing)
            cycle: Any = connection.cycle
            cycle.expected_content_length = 0
            await send({"type": "http.response.body"})
        except Exception:
            if not connection.transport.is_closing():
                log.exception("response broken off")
            connection.abort()  # the client must not mistake the part for the whole
        finally:
            await loop.run_in_executor(self._bulk, pieces.close)


def _next_piece(pieces: Iterator[bytes]) -> bytes:
    """Return the next piece of a stream, combined to a minimum size unless it is the last piece."""
    parts, size = [], 0
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        if size >= _PIECE:
            break
    return b"".join(parts)


def limit_unsent(connections: Any) -> None:
    """Abort the connections with the most unsent bytes until all together are below the limit."""
    unsent = {each: each.transport.get_write_buffer_size() for each in connections}
    while sum(unsent.values()) > _MAX_UNSENT:
        slowest = max(unsent, key=unsent.__getitem__)
        log.warning("response given up: too much waits for slow clients", remote=slowest.remote, bytes=unsent[slowest])
        slowest.abort()
        del unsent[slowest]


def refusal_of(scope: dict[str, Any]) -> ApiError | None:
    """Return the error for a request whose head is too large, or valid for the parser but not for HTTP/1.1."""
    names = [name for name, _ in scope["headers"]]
    sizes = [len(name) + len(value) for name, value in scope["headers"]]
    codings = [value.lower() for name, value in scope["headers"] if name == b"transfer-encoding"]
    if len(scope["extensions"]["gonemaster"]["target"]) > _MAX_URL:
        return ApiError(414, "uri_too_long", Text("the URL is too long"))
    if len(sizes) > _MAX_FIELDS or sum(sizes) > MAX_HEAD or max(sizes, default=0) > _MAX_FIELD:
        return ApiError(431, "headers_too_large", Text("the headers are too large"))
    # RFC 9112 sections 3.2 and 6.1
    is_1_1 = scope["http_version"] == "1.1"
    if any(names.count(name) > 1 for name in _SINGLE) or (b"host" not in names and is_1_1) or (codings and not is_1_1):
        return ApiError(400, "bad_request", Text("the request is not valid HTTP/1.1 (RFC 9112)"))
    if codings not in ([], [b"chunked"]):
        return ApiError(501, "not_implemented", Text("the transfer coding is not supported"))
    return None


def environ_of(scope: dict[str, Any]) -> dict[str, Any]:
    """Return the WSGI environment of a request, without its body."""
    server, client = scope["server"] or ("", 0), scope["client"] or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "RAW_URI": scope["extensions"]["gonemaster"]["target"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for name, value in scope["headers"]:
        if b"_" in name or name == b"upgrade":  # indistinguishable from a hyphen; not supported (RFC 9110 section 7.8)
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}" if key in environ else text
    return environ
