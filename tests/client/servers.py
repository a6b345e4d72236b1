"""A server whose responses a test determines: what proxies and overloaded services send, and what no service sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Received(NamedTuple):
    """A request; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """A response. A body of `None` closes the connection without a response; `is_cut` ends it before its length."""

    status: int = 200
    body: bytes | None = b"{}"
    headers: Mapping[str, str] = {"Content-Type": "application/json"}
    is_cut: bool = False


class ScriptedServer(ThreadingHTTPServer):
    """A server that gives the replies of a script in their order, and then the last one again."""

    daemon_threads = True

    def __init__(self, replies: list[Reply | Callable[[Received], Reply]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies, self.received, self.lock = replies, list[Received](), threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = Received(self.command, self.path, headers, body)
        with self.server.lock:
            self.server.received.append(request)
            number = min(len(self.server.received), len(self.server.replies)) - 1
            reply = self.server.replies[number]
        if callable(reply):
            reply = reply(request)
        if reply.body is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) + (100 if reply.is_cut else 0)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.close_connection = reply.is_cut

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names of http.server

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


@contextmanager
def scripted(*replies: Reply | Callable[[Received], Reply]) -> Iterator[ScriptedServer]:
    """Run a server with replies."""
    with ScriptedServer(list(replies)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
