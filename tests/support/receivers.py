"""A receiver of webhooks: a real HTTP server on loopback with a configurable behaviour."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One received request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, **headers: str) -> Behaviour:
    """Answer with a status."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return behave


def send_raw(*pieces: bytes) -> Behaviour:
    """Write bytes and close the connection."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        for piece in pieces:
            handler.wfile.write(piece)

    return behave


@dataclass
class Receiver:
    """The server; `behaviour` may be changed at any time."""

    server: ThreadingHTTPServer
    scheme: str = "http"
    behaviour: Behaviour = field(default_factory=lambda: answer(204))
    received: list[Received] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    wait_s: float = 60.0

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def url(self, host: str = "127.0.0.1", path: str = "/hook") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        """Send nothing until the test ends or releases the request; the client may have disconnected by then."""
        self.released.wait(self.wait_s)

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """Send a byte of a header that never ends, at intervals."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.released.wait(0.1):
            handler.wfile.write(b"a")


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(self.path, dict(self.headers.items()), body))
            with suppress(OSError):  # the client has given up
                receiver.behaviour(self)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that disconnect: tests cause this on purpose."""


@contextmanager
def open_receiver(*, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Receiver]:
    """Open a receiver that answers every request with 204 until its behaviour is changed."""
    server = _QuietServer((host, 0), BaseHTTPRequestHandler)
    receiver = Receiver(server, "https" if tls else "http")
    server.RequestHandlerClass = _handler(receiver)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def closed_port() -> int:
    """Return a loopback port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
