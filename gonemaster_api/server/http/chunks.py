"""The chunked transfer coding (RFC 9112 section 7.1), decoded as it comes."""

import enum
import re
from collections.abc import Callable

from gunicorn.http.errors import ParseException

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_FIELD_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")
_LONGEST_LINE = 4096
_LONGEST_TRAILER = 16384
# Decoding costs time per chunk: above this number of chunks, they must have 16 octets on average.
_SMALL_CHUNKS = 65536
_MEAN_CHUNK = 16


class MalformedChunk(ParseException):
    """The body does not follow the chunked coding."""


class _Part(enum.Enum):
    SIZE = enum.auto()
    DATA = enum.auto()
    DATA_END = enum.auto()
    TRAILER = enum.auto()
    DONE = enum.auto()


class ChunkedDecoder:
    """Passes decoded octets to `write`; extensions and trailer fields are checked and dropped."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._part = _Part.SIZE
        self._line = b""  # the beginning of a line whose end has not come
        self._left = 0  # octets of the current chunk that have not come
        self._chunks = self._octets = self._trailer = 0

    @property
    def done(self) -> bool:
        """Whether the last chunk and the trailer have been read."""
        return self._part is _Part.DONE

    def feed(self, data: bytes) -> bytes:
        """Decode more octets; return those behind the end of the body.

        Raises:
            MalformedChunk: the connection cannot be used any more.
        """
        at = 0
        while at < len(data) and not self.done:
            at = self._take_data(data, at) if self._part is _Part.DATA else self._take_line(data, at)
        return data[at:]

    def _take_data(self, data: bytes, at: int) -> int:
        piece = data[at : at + self._left]
        self._write(piece)
        self._left -= len(piece)
        self._octets += len(piece)
        if not self._left:
            self._part = _Part.DATA_END
        return at + len(piece)

    def _take_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        self._line += data[at : end + 1 or len(data)]
        if len(self._line) > _LONGEST_LINE:
            raise MalformedChunk("a line of the chunked coding is too long")
        if end < 0:
            return len(data)
        if not self._line.endswith(b"\r\n"):
            raise MalformedChunk("a line of the chunked coding ends without CR LF")
        line, self._line = self._line[:-2], b""
        self._end_line(line)
        return end + 1

    def _end_line(self, line: bytes) -> None:
        if self._part is _Part.SIZE:
            self._begin_chunk(line)
        elif self._part is _Part.DATA_END:
            if line:
                raise MalformedChunk("a chunk is longer than its size")
            self._part = _Part.SIZE
        elif not line:
            self._part = _Part.DONE
        else:
            self._trailer += len(line)
            if self._trailer > _LONGEST_TRAILER or not _FIELD_LINE.fullmatch(line):
                raise MalformedChunk("the trailer is malformed or too long")

    def _begin_chunk(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise MalformedChunk("a chunk has no valid size")
        self._left = int(match[1], 16)
        self._chunks += 1
        if self._chunks > _SMALL_CHUNKS + self._octets // _MEAN_CHUNK:
            raise MalformedChunk("too many small chunks")
        self._part = _Part.DATA if self._left else _Part.TRAILER
