"""Size limits of request bodies: per path, and for all bodies in a process together."""

import hashlib
import threading
from collections.abc import Iterable, Iterator
from typing import IO

from flask import Flask, Request, g, request

from gonemaster_api.errors import ApiError, Unavailable
from gonemaster_engine.texts import Text, joined
from gonemaster_tasks.config.settings import Settings

# These paths accept bodies that may list every waiting job.
_LARGE = frozenset(
    f"/api/v1/{path}" for path in ("jobs/batch", "checks/batch", "queue/reorder", "queue/move", "queue/remove")
)
_ZONE_CHECKS = "/api/v1/zone-checks"
_ZONE_CHECK_BODY = 2 * 1024 * 1024  # a zone of 1 MiB, whose line ends and quotation marks JSON escapes
_ALTERNATIVES = {"/api/v1/queue/reorder": "POST /api/v1/queue/move takes only the jobs to move"}
_MCP = "/api/v1/mcp"
MAX_MCP_BODY = 4 * 1024 * 1024
_UPLOADS = "/api/v1/uploads/"
MAX_PART = 8 * 1024 * 1024  # bytes of a part of an upload
BODY_IS_CUT = "gonemaster.body_is_cut"  # environ key: the server did not receive the whole body
_SMALL = 64 * 1024  # smaller bodies are not counted
_SPACE = b" \t\r\n"  # JSON white space, RFC 8259 section 2
_BLOCK = 256 * 1024  # bytes parsed per step; no other thread runs during a step


class BodiesAtWork:
    """The memory budget for the request bodies that a process handles at the same time.

    JSON with many short strings takes twelve times its size as objects. The content that a body of the largest size may
    have (`rest/json_pieces.py`) takes three times its size. A body therefore counts four times its size, up to `limit`,
    and all bodies together may count `limit`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Reserve memory for a body; return False if the budget is exhausted."""
        with self._lock:
            if self._used + self._weight(size) > self._limit:
                return False
            self._used += self._weight(size)
            return True

    def release(self, size: int) -> None:
        """Release the memory of a finished body."""
        with self._lock:
            self._used -= self._weight(size)

    def _weight(self, size: int) -> int:
        return min(4 * size, self._limit)


def body_limit(settings: Settings, path: str) -> int:
    """Return the maximum size in bytes of the body of a request."""
    if path == _ZONE_CHECKS:
        return max(settings.max_body_size, _ZONE_CHECK_BODY)
    if path == _MCP:
        return MAX_MCP_BODY
    if path.startswith(_UPLOADS):
        return MAX_PART
    return settings.max_batch_body_size if path in _LARGE else settings.max_body_size


def largest_body(settings: Settings) -> int:
    """Return the maximum size in bytes of any body."""
    return max(settings.max_body_size, settings.max_batch_body_size, MAX_MCP_BODY, MAX_PART)


def register_body_limits(app: Flask, settings: Settings) -> None:
    """Refuse bodies that are too large with 413, and large bodies beyond the memory budget with 503.

    A body with a Content-Length is refused before it is read.
    """
    # Use two budgets, so that a large batch does not block requests that are only large for other paths.
    batches = BodiesAtWork(max(settings.max_body_size, settings.max_batch_body_size))
    others = BodiesAtWork(largest_body(settings))

    def limit_body() -> None:
        limit = body_limit(settings, request.path)
        # Allow one byte above the limit: werkzeug silently truncates a chunked body at max_content_length, which would
        # make a body of exactly the limit indistinguishable from a truncated one.
        request.max_content_length = limit + 1
        if request.content_length is not None and request.content_length > limit:
            raise _too_large(limit)
        if request.environ.get(BODY_IS_CUT):  # the token became valid during the upload, or none is needed
            raise Unavailable("too_many_bodies", Text("a large body requires a token or a session"))
        size = _size(request, limit)
        if size > _SMALL:
            account = batches if size > settings.max_body_size else others
            if not account.take(size):
                raise Unavailable("too_many_bodies", Text("too many large bodies are being processed"))
            g.body_at_work = account, size

    def release(_error: BaseException | None) -> None:
        if "body_at_work" in g:
            account, size = g.pop("body_at_work")
            account.release(size)

    app.before_request(limit_body)
    app.teardown_request(release)


def _size(req: Request, limit: int) -> int:
    """Return the size of a body, or the maximum size if the body is chunked."""
    if req.content_length is not None:
        return req.content_length
    return limit if "chunked" in req.headers.get("Transfer-Encoding", "").lower() else 0


class JsonDigest:
    """A digest that ignores white space between the tokens of a JSON document.

    The document can be split into blocks at any position.
    """

    def __init__(self, begin: bytes) -> None:
        self._digest = hashlib.sha256(begin)
        self._in_string = self._escaping = False

    def update(self, block: bytes) -> None:
        """Add the next block of the document."""
        pieces = block.split(b'"')
        for number, piece in enumerate(pieces):
            self._digest.update(piece if self._in_string else piece.translate(None, _SPACE))
            escaped = self._in_string and self._ends_with_escape(piece)
            if number == len(pieces) - 1:
                self._escaping = escaped
                return
            self._digest.update(b'"')
            self._in_string = self._in_string is escaped
            self._escaping = False

    def _ends_with_escape(self, piece: bytes) -> bool:
        """Return whether the byte after a piece of a string is escaped, i.e. follows an odd number of backslashes."""
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        return bool((backslashes + (self._escaping and backslashes == len(piece))) % 2)

    def hexdigest(self) -> str:
        """Return the digest in hexadecimal."""
        return self._digest.hexdigest()


def read_blocks(req: Request) -> Iterator[bytes]:
    """Yield the body in blocks. The body can be read only once; `request_digest` then returns its digest.

    Raises:
        ApiError: 413 body_too_large.
    """
    digest = JsonDigest(req.path.encode() + b"\n")
    size = 0
    while block := req.stream.read(_BLOCK):
        size += len(block)
        if req.max_content_length is not None and size >= req.max_content_length:
            raise _too_large(req.max_content_length - 1)
        digest.update(block)
        yield block
    g.request_digest = digest.hexdigest()


def spooled(blocks: Iterable[bytes], file: IO[bytes]) -> Iterator[bytes]:
    """Read all blocks into a file, and return them again, one at a time."""
    for block in blocks:
        file.write(block)
    file.seek(0)
    return iter(lambda: file.read(_BLOCK), b"")


def request_digest(req: Request) -> str:
    """Return a digest of path and body, used to recognise a repeated request.

    White space between JSON tokens is ignored.
    """
    if "request_digest" not in g:
        for _ in read_blocks(req):
            pass
    digest: str = g.request_digest
    return digest


def _too_large(limit: int) -> ApiError:
    hint = _ALTERNATIVES.get(request.path, "")
    message = Text("the body is larger than {limit} bytes", limit=limit)
    return ApiError(
        413,
        "body_too_large",
        joined("; ", (message, hint)) if hint else message,
        details={"limit": limit},
    )
