"""The pages of Zonemaster GUI 5 as their operators serve them: static files, and the API on the same origin."""

from __future__ import annotations

import mimetypes
import os
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GUI = os.environ.get("ZONEMASTER_GUI", "")
PAGES = Path(GUI) / "public" / "dist"  # `npm run build` writes there
_RESULT = re.compile(r"/([a-z]{2})/result/.*")  # drawn by the script of the start page


def is_built() -> bool:
    """Return whether ZONEMASTER_GUI names a built copy."""
    return bool(GUI) and (PAGES / "en" / "index.html").exists()


@contextmanager
def serve_gui(api_url: str) -> Iterator[str]:
    """Serve the pages, and forward /api to a URL; yield the URL of the pages."""

    class Handler(BaseHTTPRequestHandler):
        """A proxy that keeps the Host header, as the configuration of the GUI's documentation does."""

        def do_GET(self) -> None:
            path = _RESULT.sub(r"/\1/", self.path.partition("?")[0])
            file = PAGES / (path.lstrip("/") + ("index.html" if path.endswith("/") else ""))
            if not file.is_file() or not file.resolve().is_relative_to(PAGES.resolve()):
                self.send_error(404)
                return
            self._answer(200, file.read_bytes(), mimetypes.guess_type(file.name)[0] or "text/html")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept = {name: self.headers[name] for name in ("Host", "Origin", "Content-Type") if name in self.headers}
            with urllib.request.urlopen(urllib.request.Request(api_url, body, kept), timeout=60) as answer:
                self._answer(answer.status, answer.read(), answer.headers["Content-Type"])

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write nothing to the output of the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
