"""Limits of the size of bodies, by path and of all together."""

import hashlib
import threading
from collections.abc import Iterator

from flask import Flask, Request, g, request

from gonemaster_api.errors import ApiError, Unavailable
from gonemaster_engine.texts import Text, joined
from gonemaster_tasks.config.settings import Settings

# Bodies that may name every waiting job.
_LARGE = frozenset(f"/api/v1/{path}" for path in ("jobs/batch", "queue/reorder", "queue/move", "queue/remove"))
_ALTERNATIVES = {"/api/v1/queue/reorder": "POST /api/v1/queue/move takes only the jobs to move"}
BODY_IS_CUT = "gonemaster.body_is_cut"  # in the environment of a request: its body was not received
_SMALL = 64 * 1024  # bodies up to here are not counted
_SPACE = b" \t\r\n"  # of JSON, RFC 8259 section 2
_BLOCK = 256 * 1024  # what is parsed at once, while no other thread runs


class BodiesAtWork:
    """Keeps the bodies that a process works on within the memory of one of the largest size.

    JSON of short strings takes twelve times its octets as objects; what a body of the largest size may consist of
    (`rest/json_pieces.py`) takes three times. So four times their octets are counted, of which there may be `limit`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Count a body, unless there is no room for it."""
        with self._lock:
            if self._used + self._weight(size) > self._limit:
                return False
            self._used += self._weight(size)
            return True

    def give_back(self, size: int) -> None:
        """Count a body as done."""
        with self._lock:
            self._used -= self._weight(size)

    def _weight(self, size: int) -> int:
        return min(4 * size, self._limit)


def body_limit(settings: Settings, path: str) -> int:
    """Return the size in octets that the body of a request may have."""
    return settings.max_batch_body_size if path in _LARGE else settings.max_body_size


def register_body_limits(app: Flask, settings: Settings) -> None:
    """Refuse larger bodies with 413, with a Content-Length before they are read; and too many large ones with 503."""
    largest = max(settings.max_body_size, settings.max_batch_body_size)
    # Two accounts, so that a large batch does not keep out what only some paths would call large.
    batches, others = BodiesAtWork(largest), BodiesAtWork(largest)

    def limit_body() -> None:
        longest = body_limit(settings, request.path)
        # One octet above the limit: werkzeug silently truncates a chunked body at max_content_length, so that a body of
        # exactly the limit and a truncated one could not be told apart.
        request.max_content_length = longest + 1
        if request.content_length is not None and request.content_length > longest:
            raise _too_large(longest)
        if request.environ.get(BODY_IS_CUT):  # its token became valid while it came, or it needs none
            raise Unavailable(
                "too_many_bodies", Text("a large body needs a token or a session from its first octet on")
            )
        size = _size(request, longest)
        if size > _SMALL:
            account = batches if size > settings.max_body_size else others
            if not account.take(size):
                raise Unavailable("too_many_bodies", Text("other large bodies are being worked on"))
            g.body_at_work = account, size

    def give_back(_error: BaseException | None) -> None:
        if "body_at_work" in g:
            account, size = g.pop("body_at_work")
            account.give_back(size)

    app.before_request(limit_body)
    app.teardown_request(give_back)


def _size(req: Request, longest: int) -> int:
    """Return the size of a body, or the most that it may have if it is chunked."""
    if req.content_length is not None:
        return req.content_length
    return longest if "chunked" in req.headers.get("Transfer-Encoding", "").lower() else 0


class JsonDigest:
    """A digest that is equal for JSON documents that differ in the white space between their tokens alone.

    Blocks may end anywhere.
    """

    def __init__(self, begin: bytes) -> None:
        self._digest = hashlib.sha256(begin)
        self._in_string = self._escaping = False

    def update(self, block: bytes) -> None:
        """Take the next block of the document."""
        pieces = block.split(b'"')
        for number, piece in enumerate(pieces):
            self._digest.update(piece if self._in_string else piece.translate(None, _SPACE))
            escaped = self._in_string and self._ends_in_escape(piece)
            if number == len(pieces) - 1:
                self._escaping = escaped
                return
            self._digest.update(b'"')
            self._in_string = self._in_string is escaped
            self._escaping = False

    def _ends_in_escape(self, piece: bytes) -> bool:
        """Say whether the octet behind a piece of a string is escaped: behind an odd number of backslashes."""
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        return bool((backslashes + (self._escaping and backslashes == len(piece))) % 2)

    def hexdigest(self) -> str:
        """Return the digest."""
        return self._digest.hexdigest()


def read_blocks(req: Request) -> Iterator[bytes]:
    """Yield the body in blocks. It can be read once; `request_digest` knows its digest afterwards.

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


def request_digest(req: Request) -> str:
    """Return the digest of path and body, without the space between its tokens: it recognises a repeated request."""
    if "request_digest" not in g:
        for _ in read_blocks(req):
            pass
    digest: str = g.request_digest
    return digest


def _too_large(longest: int) -> ApiError:
    hint = _ALTERNATIVES.get(request.path, "")
    message = Text("the body is larger than {longest} bytes", longest=longest)
    return ApiError(
        413,
        "body_too_large",
        joined("; ", (message, hint)) if hint else message,
        details={"limit": longest},
    )
