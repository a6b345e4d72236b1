"""A loopback server of the documents that third parties publish, with contents that a test chooses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = tuple[int, bytes, dict[str, str]]
"""Status, body, headers."""


@dataclass
class Source:
    """The server; `answers` are by path, `asked` are the requested paths."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, document: Any) -> None:
        """Publish a text, or any other value as JSON."""
        text = document if isinstance(document, str) else json.dumps(document)
        self.answers[path] = (200, text.encode(), {})


class _Server(ThreadingHTTPServer):
    """Waits on close until all requests have responses, because their sockets stay open until then."""

    daemon_threads = False


@contextmanager
def open_source() -> Iterator[Source]:
    """Serve until the block ends; unpublished paths return 404."""
    source = Source()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            source.asked.append(self.path)
            status, body, headers = source.answers.get(self.path, (404, b"", {}))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    source.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
