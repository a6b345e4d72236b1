"""The ASGI application of the API.

It receives whole requests, runs Flask in threads and sends responses from the event loop.

A thread gets a request only after it has been received completely, and never waits for a client to read a response.
Slow clients therefore occupy connections and bounded buffers, but no threads.
"""

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from flask import Flask

from gonemaster_api.server.bodies import Bodies, Body, ClientGone
from gonemaster_api.server.protocol import MAX_HEAD, Protocol, connection_of
from gonemaster_api.server.refusals import (
    BAD_REQUEST,
    BROKEN,
    HEADERS_TOO_LARGE,
    NOT_IMPLEMENTED,
    OVERLOADED,
    URI_TOO_LONG,
    Refusal,
    Refused,
    document_of,
)
from gonemaster_api.state import NAME, State
from gonemaster_api.web.event_streams import FOLLOW
from gonemaster_api.web.exporter import http_metrics
from gonemaster_api.web.request_deadlines import HAS_LEFT

PATIENCE_S = 0.6  # maximum wait for a thread, so that responses arrive within a second
_MAX_WAITING = 500
_MAX_URL = 8190  # bytes
_MAX_HEADERS = 100
_MAX_HEADER = 8190  # bytes of one header
_PIECE = 64 * 1024  # bytes of a response that are passed to the kernel in one step
_MAX_UNSENT = 64 * 1024 * 1024  # bytes of all responses that wait for their clients
BULK_THREADS = 2  # for long requests: more would keep other threads from the interpreter
# Responses that may have megabytes: pages with more than a hundred items, results, differences and counts of all runs.
_BULK = re.compile(
    r"/api/v1/(?:entries|.*/(?:result|dnssec-chain|diff/[^/]*|delete-preview|tag-values)|batches/[^/]*)/?"
)
_LONG_PAGE = re.compile(r"(?:^|&)(?:limit|page_size)=0*+(?:10[1-9]|1[1-9]\d|[2-9]\d\d|\d{4,}+)(?:&|$)")
_LOG_EVERY_S = 10.0
_ONCE = frozenset({"HTTP_HOST", "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"})

Send = Callable[[dict[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass
class Answer:
    """A response of the application: `body` is complete, or `pieces` remain to be produced."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    pieces: Iterator[bytes] | None = None
    close: Callable[[], object] = lambda: None

    def start(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
        """Store status and headers, as WSGI's start_response."""
        self.status = int(status[:3])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return lambda _: None


class Bridge:
    """The adapter that serves Flask over ASGI.

    It handles `threads` requests at the same time; others wait, and are refused after a time limit.
    """

    def __init__(self, app: Flask, *, threads: int) -> None:
        self._app = app
        self._state: State = app.extensions[NAME]
        self._bodies = Bodies(self._state.settings, self._state.keyring)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._bulk = ThreadPoolExecutor(BULK_THREADS, thread_name_prefix="bulk")
        self._free = asyncio.Semaphore(threads)
        self._waiting = self._refused = 0
        self._logged_at = float("-inf")
        self._unsent: dict[Protocol, int] = {}  # the oldest first

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        """Serve one request."""
        body: Body | None = None
        connection = connection_of(scope)
        try:
            environ = environ_of(scope)
            environ[HAS_LEFT] = connection.has_left
            body = await self._bodies.receive(environ, receive)
            answer = await self._answer(environ)
            if body is not None:
                body.close()
            await self._send(answer, environ.get(FOLLOW), connection, send)
        except Refused as refused:
            await self._refuse(refused.refusal, scope, send)
        except ClientGone:
            log.debug("client disconnected", remote=scope["client"][0])
        except Exception:
            log.exception("request failed", path=scope["path"])
            await self._refuse(BROKEN, scope, send)
        finally:
            if body is not None:
                body.close()
        if connection.transport.is_closing():
            await receive()  # wait for the disconnect, or the server would report an incomplete response

    async def _answer(self, environ: dict[str, Any]) -> Answer:
        """Call the application in a thread. Raises Refused if no thread becomes free in time."""
        loop = asyncio.get_running_loop()
        query = environ["QUERY_STRING"]
        if "format=csv" not in query and (_BULK.fullmatch(environ["PATH_INFO"]) or _LONG_PAGE.search(query)):
            return await loop.run_in_executor(self._bulk, self._call, environ)  # few threads; bulk requests may wait
        if self._free.locked():
            await self._wait_for_thread()
        else:
            await self._free.acquire()
        try:
            return await loop.run_in_executor(self._threads, self._call, environ)
        finally:
            self._free.release()

    async def _wait_for_thread(self) -> None:
        if self._waiting >= _MAX_WAITING:
            raise Refused(OVERLOADED)
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._free.acquire()
        except TimeoutError as error:
            raise Refused(OVERLOADED) from error
        finally:
            self._waiting -= 1

    def _call(self, environ: dict[str, Any]) -> Answer:
        """Call the application and return its response; runs in a thread."""
        answer = Answer()
        pieces: Iterable[bytes] = self._app(environ, answer.start)
        close = getattr(pieces, "close", lambda: None)
        is_complete = answer.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED) or any(
            name == b"content-length" for name, _ in answer.headers
        )
        if not is_complete:
            answer.pieces, answer.close = iter(pieces), close
            return answer
        try:
            answer.body = b"".join(pieces)
        finally:
            close()
        return answer

    async def _send(self, answer: Answer, follow: Any, connection: Protocol, send: Send) -> None:
        headers = [*answer.headers, (b"connection", b"close")] if follow else answer.headers
        start = {"type": "http.response.start", "status": answer.status, "headers": headers}
        try:
            if answer.pieces is not None:
                await self._send_pieces(start, answer.pieces, follow, connection, send)
                return
            async with self._time_limit():
                await send(start)
                await self._send_body(answer.body, connection, send)
        except TimeoutError:
            connection.abort()
        except Exception:
            if connection.transport.is_closing():
                log.debug("client disconnected")
            else:
                log.exception("response broken off")
            connection.abort()  # the client must not mistake the part for the whole
        finally:
            if answer.pieces is not None:
                await asyncio.get_running_loop().run_in_executor(self._bulk, answer.close)

    async def _send_body(self, body: bytes, connection: Protocol, send: Send) -> None:
        if len(body) > _PIECE:
            self._limit_unsent(connection, len(body))
        try:
            for start in range(0, len(body) - _PIECE, _PIECE):
                await send({"type": "http.response.body", "body": body[start : start + _PIECE], "more_body": True})
            rest = body[(max(0, len(body) - 1) // _PIECE) * _PIECE :]
            await send({"type": "http.response.body", "body": rest})
        finally:
            self._unsent.pop(connection, None)

    def _limit_unsent(self, newest: Protocol, size: int) -> None:
        """Abort the responses that have waited longest for their clients if too many bytes are unsent."""
        self._unsent[newest] = size
        for connection in list(self._unsent):
            if sum(self._unsent.values()) <= _MAX_UNSENT or connection is newest:
                return
            log.warning("response given up: too much waits for slow clients")
            del self._unsent[connection]
            connection.abort()

    async def _send_pieces(
        self, start: dict[str, Any], pieces: Iterator[bytes], follow: Any, connection: Protocol, send: Send
    ) -> None:
        """Send pieces as they are produced; the client must read each piece within the time limit."""
        ends_by_closing = connection.end_by_closing()

        async def write(piece: bytes) -> None:
            for start in range(0, len(piece), _PIECE):
                async with self._time_limit():
                    await send({"type": "http.response.body", "body": piece[start : start + _PIECE], "more_body": True})

        async with self._time_limit():
            await send(start)
        loop = asyncio.get_running_loop()
        make = partial(_next_piece, pieces)
        while piece := make() if follow else await loop.run_in_executor(self._bulk, make):
            await write(piece)
            if connection.transport.is_closing():
                return
        if follow:
            task: Any = asyncio.current_task()
            connection.on_lost = task.cancel
            try:
                await follow(write, connection.transport.is_closing)
            except asyncio.CancelledError:
                if not connection.transport.is_closing():
                    raise
                task.uncancel()
                return
            finally:
                connection.on_lost = lambda: None
        if ends_by_closing:
            connection.transport.close()
        else:
            await send({"type": "http.response.body", "body": b""})

    def _time_limit(self) -> asyncio.Timeout:
        return asyncio.timeout(self._state.settings.write_timeout.total_seconds())

    async def _refuse(self, refusal: Refusal, scope: dict[str, Any], send: Send) -> None:
        if refusal is OVERLOADED:
            self._count_overload(scope)
        headers, content = document_of(refusal, remote=scope["client"][0])
        if refusal.status < HTTPStatus.INTERNAL_SERVER_ERROR:  # what follows a malformed request could be a part of it
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": int(refusal.status), "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _count_overload(self, scope: dict[str, Any]) -> None:
        """Count a request that Flask does not see in the HTTP metrics. One log line covers many such requests."""
        http_metrics(self._app).count_refusal(
            self._app, method=scope["method"], path=scope["path"], status=OVERLOADED.status, code=OVERLOADED.code
        )
        self._refused += 1
        if (now := time.monotonic()) >= self._logged_at + _LOG_EVERY_S:
            log.warning("overloaded: requests are refused", refused=self._refused, waiting=self._waiting)
            self._refused, self._logged_at = 0, now


def _next_piece(pieces: Iterator[bytes]) -> bytes:
    """Return the next piece of a stream, combined to a minimum size unless it is the last piece."""
    made, size = [], 0
    for piece in pieces:
        made.append(piece)
        size += len(piece)
        if size >= _PIECE:
            break
    return b"".join(made)


def environ_of(scope: dict[str, Any]) -> dict[str, Any]:
    """Return the WSGI environment of a request, without its body.

    Raises:
        Refused: the head of the request is too large or invalid.
    """
    target: bytes = scope["extensions"]["gonemaster"]["target"]
    if len(target) > _MAX_URL:
        raise Refused(URI_TOO_LONG)
    sizes = [len(name) + len(value) for name, value in scope["headers"]]
    if len(sizes) > _MAX_HEADERS or sum(sizes) > MAX_HEAD or max(sizes, default=0) > _MAX_HEADER:
        raise Refused(HEADERS_TOO_LARGE)
    server, client = scope["server"] or ("", 0), scope["client"] or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "RAW_URI": target.decode("latin-1"),
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
        if b"_" in name:  # the name would be indistinguishable from the same name with hyphens
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin-1")
        if key in environ:
            if key in _ONCE:
                raise Refused(BAD_REQUEST)
            text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        environ[key] = text
    if "HTTP_HOST" not in environ and scope["http_version"] == "1.1":  # RFC 9112 section 3.2
        raise Refused(BAD_REQUEST)
    if (coding := environ.get("HTTP_TRANSFER_ENCODING")) is not None:
        if coding.lower() != "chunked":
            raise Refused(NOT_IMPLEMENTED)
        if scope["http_version"] != "1.1":
            raise Refused(BAD_REQUEST)
    environ.pop("HTTP_UPGRADE", None)  # not supported (RFC 9110 section 7.8); Flask would only match WebSocket routes
    return environ
