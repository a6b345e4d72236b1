"""The ASGI application of the API: it receives whole requests, runs Flask in threads and sends from the event loop.

A thread gets a request only after it has been received completely, and never waits for a client to read a response.
Slow clients therefore occupy connections and bounded buffers, but no threads.
"""

import asyncio
import contextvars
import io
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from functools import partial
from typing import Any
from urllib.parse import unquote

import structlog
from cachetools import TTLCache
from flask import Flask
from uvicorn.middleware.wsgi import build_environ

from gonemaster_api.errors import ApiError, Unavailable
from gonemaster_api.server.bodies import Bodies
from gonemaster_api.server.connection import Connection
from gonemaster_api.state import NAME, State
from gonemaster_api.ui.shell.error_pages import refusal
from gonemaster_api.web.asgi_responses import ASGI_RESPONSE, AsgiResponse
from gonemaster_api.web.event_streams import FOLLOW
from gonemaster_api.web.exporter import http_metrics
from gonemaster_api.web.hosts import OWN_LISTENER
from gonemaster_api.web.request_deadlines import HAS_LEFT, READING
from gonemaster_api.zonemaster.routes import ZONEMASTER_PATH

PATIENCE_S = 0.6  # maximum wait for a thread, so that responses arrive within a second
BULK_THREADS = 2  # for long requests: more would keep other threads from the interpreter
_MANY = 100  # connections of one client
_PIECE = 64 * 1024  # bytes that are sent together
_REFUSAL_S = 0.002  # time of the event loop that a refusal takes if threads compete for the interpreter
_LINGER_S = 2.0  # time for a client that is still sending to read a refusal
# Responses that may have megabytes: pages with more than a hundred items, results, differences and counts of all runs.
_BULK = re.compile(r"/api/v1/(entries|.*/(result|dnssec-chain|diff/[^/]*|delete-preview|tag-values)|batches/[^/]*)/?")
_INNER_HEADERS = frozenset(
    {b"host", b"authorization", b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"}
)
_OF_BODY = frozenset({b"content-type", b"content-length", b"content-encoding"})
_LONG_PAGE = re.compile(r"(?:^|&)(?:limit|page_size)=0*+(?:10[1-9]|1[1-9]\d|[2-9]\d\d|\d{4,}+)(?:&|$)")

log = structlog.get_logger(__name__)


# Status, headers, body, and an iterable that produces the body if its length is unknown.
_Answer = tuple[int, list[tuple[bytes, bytes]], bytes, Any]


class Bridge:
    """The adapter that serves Flask over ASGI.

    It handles `threads` requests at the same time, half of them for one client, or a sixteenth if the client pipelines
    its requests or has many connections; others wait, and are refused after a time limit. Requests that write leave
    some threads to those that read, because they may all be waiting for a lock in the database.
    """

    def __init__(self, app: Flask, *, threads: int, zonemaster_port: int | None = None) -> None:
        self._app: Any = app
        self._zonemaster_port = zonemaster_port  # on which every path is the JSON-RPC API of Zonemaster
        state: State = app.extensions[NAME]
        self._bodies = Bodies(state.settings, state.keyring)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._bulk = ThreadPoolExecutor(BULK_THREADS, thread_name_prefix="bulk")
        self._free = asyncio.Semaphore(threads)
        self._logged: TTLCache[str, bool] = TTLCache(100, ttl=10.0)  # codes of the refusals in the log
        self._writers = asyncio.Semaphore(max(1, threads * 3 // 4 - max(1, threads // 8)))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request. If the response fails, the client must not mistake a part of it for the whole."""
        connection = scope["connection"]
        try:
            await self._serve(scope, receive, send)
        except (Exception, asyncio.CancelledError) as error:  # cancelled when the time limit of a stop has passed
            if isinstance(error, Exception) and not connection.transport.is_closing():
                log.exception("response broken off")
            connection.abort()

    async def _serve(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        connection, cycle, environ = scope["connection"], scope["cycle"], environ_of(scope)
        if self._zonemaster_port is not None and scope["server"][1] == self._zonemaster_port:
            environ |= {OWN_LISTENER: True, "PATH_INFO": ZONEMASTER_PATH}
        try:
            async with self._bodies.received(scope, environ, receive):
                status, headers, body, pieces = await self._answer(environ, connection)
        except ApiError as error:
            status, headers, body, pieces = self._refuse(error, environ)
            connection.charge(_REFUSAL_S)
        lingers = cycle is connection.cycle and (cycle.more_body or connection.parser is None or scope["refusal"])
        if lingers or FOLLOW in environ:
            headers.append((b"connection", b"close"))
        start = {"type": "http.response.start", "status": status, "headers": headers}
        if respond := environ.get(ASGI_RESPONSE):
            await respond(scope, receive, _with_headers(send, headers), partial(self._inner, scope, connection))
            return
        if pieces:
            await self._stream(start, pieces, environ.get(FOLLOW), scope, send)
            return
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": lingers})
        if len(body) > _PIECE:
            connection.limit_unsent()
        if lingers:  # closing now would reset the connection, and the client could not read the response
            connection.parser = None  # what the client still sends is ignored
            connection.flow.resume_reading()
            connection.transport.write_eof()
            await asyncio.sleep(_LINGER_S)
            connection.abort()

    async def _answer(self, environ: dict[str, Any], connection: Connection) -> _Answer:
        """Call the application in a thread.

        Raises:
            ApiError: no thread became free in time.
        """
        run, path, query = asyncio.get_running_loop().run_in_executor, environ["PATH_INFO"], environ["QUERY_STRING"]
        if "format=csv" not in query and (_BULK.fullmatch(path) or _LONG_PAGE.search(query)):
            return await run(self._bulk, self._call, environ)  # few threads, because bulk requests may wait
        peer, reads = connection.peer, environ["REQUEST_METHOD"] in READING
        own_writers, writers = (nullcontext(), nullcontext()) if reads else (peer.writers, self._writers)
        few = peer.few if connection.pipeline or peer.connections > _MANY else nullcontext()
        patience_s = None if connection.pipeline else PATIENCE_S  # the next one of a pipeline would follow a refusal
        try:
            async with asyncio.timeout(patience_s) as limit, few, own_writers, writers, peer.threads, self._free:
                limit.reschedule(None)
                return await run(self._threads, self._call, environ)
        except TimeoutError:
            raise Unavailable("overloaded", "the server has more requests than it can answer in time") from None

    async def _inner(self, scope: dict[str, Any], connection: Connection, method: str, target: str, body: bytes) -> Any:
        """Send a request as part of another one, and return status and content."""
        path, _, query = target.partition("?")
        kept = [field for field in scope["headers"] if field[0] in _INNER_HEADERS]
        about_body = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        environ = environ_of(
            {
                **scope,
                "method": method,
                "path": unquote(path),
                "raw_path": path.encode(),
                "query_string": query.encode(),
                "target": target.encode(),
                "headers": kept + (about_body if body else []),
            }
        )
        environ |= {"wsgi.input": io.BytesIO(body)}
        status, _, content, pieces = await self._answer(environ, connection)
        if pieces:
            pieces.close()
        if respond := environ.get(ASGI_RESPONSE):
            return await _content_of(respond, scope)
        return status, content

    def _refuse(self, error: ApiError, environ: dict[str, Any]) -> _Answer:
        """Return an error response without the application, whose work would delay other requests."""
        http_metrics(self._app).count_code(error.code)
        if error.code not in self._logged:
            self._logged[error.code] = True
            log.warning("requests are refused", code=error.code, remote=environ["REMOTE_ADDR"])
        response = refusal(error, environ)
        return response.status_code, _encoded(response.get_wsgi_headers(environ)), response.data, None

    def _call(self, environ: dict[str, Any]) -> _Answer:
        """Call the application and return its response; runs in a thread."""
        head: list[Any] = []
        pieces = self._app(environ, lambda *start: head.extend(start))
        status, headers = int(head[0][:3]), _encoded(head[1])
        if status not in (204, 304) and not any(name == b"content-length" for name, _ in headers):
            return status, headers, b"", pieces
        with closing(pieces):
            return status, headers, b"".join(pieces), None

    async def _stream(self, start: Any, pieces: Any, follow: Any, scope: dict[str, Any], send: Any) -> None:
        """Send pieces as they are produced, then the events of `follow`, until the client has left."""

        async def write(piece: bytes) -> None:
            for at in range(0, len(piece), _PIECE):  # so that a slow client soon makes the sender wait
                await send({"type": "http.response.body", "body": piece[at : at + _PIECE], "more_body": True})

        # One context for all pieces: Flask-Compress keeps the request in it, and each piece may run in another thread.
        run, context = asyncio.get_running_loop().run_in_executor, contextvars.copy_context()
        read = partial(next, filter(None, pieces), b"")
        cycle, has_left = scope["cycle"], scope["connection"].transport.is_closing
        if scope["http_version"] == "1.0":  # the end of the connection ends the response
            cycle.chunked_encoding, cycle.expected_content_length = False, sys.maxsize
        try:
            await send(start)
            while not has_left() and (piece := await run(self._bulk, context.run, read)):
                await write(piece)
            if follow:
                await follow(write, has_left)
            cycle.expected_content_length = 0
            await send({"type": "http.response.body"})
        finally:
            await run(self._bulk, context.run, pieces.close)  # it may hold a seat of a viewer or a slot of a stream


async def _content_of(respond: AsgiResponse, scope: dict[str, Any]) -> tuple[int, bytes]:
    """Return status and content of a response that an ASGI application writes; its client is the outer request."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await respond(scope, asyncio.Event().wait, send, _refuse_inner)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


async def _refuse_inner(*_: Any) -> Any:
    raise RuntimeError("an inner request has no inner requests")


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _with_headers(send: Any, headers: list[tuple[bytes, bytes]]) -> Any:
    """Add the headers of a response of the application to the response of another ASGI application."""

    async def send_with_headers(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = message.get("headers", ())
            names = {*_OF_BODY, *(name for name, _ in own)}
            message = {**message, "headers": [*own, *(field for field in headers if field[0] not in names)]}
        await send(message)

    return send_with_headers


def environ_of(scope: dict[str, Any]) -> dict[str, Any]:
    """Return the WSGI environment of a request, without its body."""
    headers = [field for field in scope["headers"] if b"_" not in field[0]]  # indistinguishable from a hyphen
    given: Any = {**scope, "headers": headers, "query_string": b""}
    return build_environ(given, {}, None) | {  # type: ignore[arg-type,no-any-return,operator]
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "RAW_URI": scope["target"].decode("latin-1"),
        HAS_LEFT: scope["connection"].transport.is_closing,
    }
