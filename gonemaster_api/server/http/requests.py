"""A request as it comes over a connection, until all of it is there."""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from gunicorn.http import RequestParser
from gunicorn.http.errors import (
    InvalidHeader,
    InvalidRequestLine,
    InvalidRequestMethod,
    LimitRequestHeaders,
    LimitRequestLine,
    NoMoreData,
    ParseException,
    UnsupportedTransferCoding,
)

from gonemaster_api.server.http.chunks import ChunkedDecoder

LONGEST_REQUEST_LINE = 8190  # the most that gunicorn takes
_LONGEST_HEAD = 65536
_IN_MEMORY = 65536  # octets of a body; the rest is in a temporary file
# A method and the space behind it, as far as they have come: what cannot become a request is not waited for.
_METHOD = re.compile(rb"\r?|%(octet)s{1,20}|%(octet)s{3,20} .*" % {b"octet": rb"[A-Z0-9!$%&'*+.^_`|~-]"}, re.DOTALL)
_METHOD_OCTETS = 22  # of which that much can be said
_HIGHEST_VERSION = (1, 1)
_TLS_HANDSHAKE = 0x16  # RFC 8446 section 5.1: first octet of what a TLS client sends
_BARE_LF = re.compile(rb"(?<!\r)\n")


class SpoolFull(Exception):
    """The bodies that are being received occupy all the space that they may."""


class Spool:
    """The space that the bodies being received and handled may occupy together, in octets."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0

    def take(self, size: int) -> None:
        """Count octets of a body.

        Raises:
            SpoolFull: there is no space for them.
        """
        if self._used + size > self._limit:
            raise SpoolFull
        self._used += size

    def give_back(self, size: int) -> None:
        """Count the octets of a body that is closed."""
        self._used -= size


@dataclass(frozen=True)
class Room:
    """What the body of one request may have: octets, and the space that it shares with others.

    `is_cut` says that it is less than the application would take.
    """

    longest: int
    spool: Spool
    is_cut: bool = False


class RequestReader:
    """Reads one request: `feed` it until `complete`.

    The head is parsed by gunicorn, when all of it is there. What a body is too long for is not received: the request is
    complete then, `must_close` is set, and the application refuses it (`gonemaster_api.web.body_limits`).
    """

    def __init__(self, cfg: Any, peer: Any, *, admit: Callable[[Any], Room]) -> None:
        self._cfg = cfg
        self._peer = peer
        self._admit = admit  # by the head, as gunicorn has parsed it
        self._room: Room | None = None
        self._head = bytearray()
        self._skipped = False  # an empty line
        self._left = 0  # octets of the body that have not come
        self._size = 0
        self._chunks: ChunkedDecoder | None = None
        self.body: IO[bytes] | None = None
        self.request: Any = None
        self.complete = False
        self.is_cut = False  # the body was not received, though the application would take it
        self.expects_continue = False
        self.rest = b""  # what came behind this request: the next one

    @property
    def started(self) -> bool:
        """Whether anything of a request has come."""
        return bool(self._head) or self.request is not None

    @property
    def body_size(self) -> int:
        """The octets of the body that were received; one more than the limit if it is too long."""
        return self._size

    def feed(self, data: bytes) -> None:
        """Read more octets.

        Raises:
            ParseException: it is not valid HTTP/1.1, or too long; the connection cannot be used any more.
            SpoolFull: there is no space for the body.
        """
        if self.request is None:
            data = self._feed_head(data)
        if self.request is not None:
            self._feed_body(data)

    def close(self) -> None:
        """Free the space of the body."""
        if self.body is not None:
            self.body.close()
            self._given.spool.give_back(self._size)
            self.body = None

    def _feed_head(self, data: bytes) -> bytes:
        known = len(self._head)
        self._head += data
        if self._head.startswith(b"\r\n") and not self._skipped:
            del self._head[:2]  # RFC 9112 section 2.2: clients have sent an empty line after a body
            self._skipped = True
        if self._head.startswith(b"\r\n"):
            raise InvalidRequestLine("empty lines instead of a request")
        if not _METHOD.fullmatch(self._head, 0, _METHOD_OCTETS):
            raise InvalidRequestMethod(_shown(self._head))
        end = self._head.find(b"\r\n\r\n", max(0, known - 3))
        if _BARE_LF.search(self._head, max(0, known - 1), len(self._head) if end < 0 else end):
            raise InvalidRequestLine("a line ends without CR LF")
        if end < 0:
            self._check_unfinished_head()
            return b""
        if end > _LONGEST_HEAD:
            raise LimitRequestHeaders("the header fields are too large")
        head, rest = bytes(self._head[: end + 4]), bytes(self._head[end + 4 :])
        self._begin(_parse_head(self._cfg, head, self._peer))
        return rest

    def _check_unfinished_head(self) -> None:
        line_end = self._head.find(b"\r\n", 0, LONGEST_REQUEST_LINE + 2)
        if line_end < 0 and len(self._head) > LONGEST_REQUEST_LINE + 2:
            raise LimitRequestLine(len(self._head), LONGEST_REQUEST_LINE)
        if len(self._head) > _LONGEST_HEAD:
            raise LimitRequestHeaders("the header fields are too large")

    def _begin(self, request: Any) -> None:
        """Check the Host field and find out where the body ends."""
        hosts = sum(name == "HOST" for name, _ in request.headers)
        if hosts > 1 or (not hosts and request.version >= (1, 1)):  # RFC 9112 section 3.2
            raise InvalidHeader("HOST", req=request)
        codings = [value for name, value in request.headers if name == "TRANSFER-ENCODING"]
        lengths = [value for name, value in request.headers if name == "CONTENT-LENGTH"]
        if codings and [coding.lower() for coding in codings] != ["chunked"]:
            raise UnsupportedTransferCoding(", ".join(codings))
        if lengths and (codings or len(lengths) > 1 or not re.fullmatch("[0-9]{1,18}", lengths[0])):
            raise InvalidHeader("CONTENT-LENGTH", req=request)
        self._room = self._admit(request)
        self._left = int(lengths[0]) if lengths else 0
        self._chunks = ChunkedDecoder(self._write) if codings else None
        self.body = request.body = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see close
        self.request = request
        expects = any(name == "EXPECT" and value.lower() == "100-continue" for name, value in request.headers)
        self.expects_continue = expects and request.version >= (1, 1)

    def _feed_body(self, data: bytes) -> None:
        if self._left > self._given.longest:
            self._end_early()
        elif self._chunks is not None:
            self.rest = self._chunks.feed(data)
            self.complete = self.complete or self._chunks.done
        else:
            piece, self.rest = data[: self._left], data[self._left :]
            self._left -= len(piece)
            self._write(piece)
            self.complete = not self._left
        if self.complete and self.body is not None:
            self.body.seek(0)

    def _write(self, piece: bytes) -> None:
        assert self.body is not None  # noqa: S101 - since _begin
        # One octet more than the limit, by which the application sees that a chunked body is too long.
        room = self._given
        piece = piece[: room.longest + 1 - self._size]
        room.spool.take(len(piece))
        self._size += len(piece)
        self.body.write(piece)
        if self._size > room.longest:
            self._end_early()

    @property
    def _given(self) -> Room:
        assert self._room is not None  # noqa: S101 - since _begin
        return self._room

    def _end_early(self) -> None:
        self.complete = True
        self.is_cut = self._given.is_cut
        self.request.force_close()


def _shown(head: bytearray) -> str:
    """Return the start of what is no request, for the log."""
    return ("TLS, but this port has none: " if head[0] == _TLS_HANDSHAKE else "") + repr(bytes(head[:20]))


def _parse_head(cfg: Any, head: bytes, peer: Any) -> Any:
    try:
        request = next(RequestParser(cfg, [head], peer))
        # RFC 9110 section 2.5: a higher minor version is read, and answered, as the highest that we know
        request.version = min(request.version, _HIGHEST_VERSION)
        return request
    except (StopIteration, NoMoreData, UnicodeError, ValueError) as error:
        if isinstance(error, ParseException):
            raise
        raise InvalidRequestLine(str(error)) from error
