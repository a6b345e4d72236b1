"""Requests that are valid by construction, and invalid ones made from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

NAME = re.compile(rb"m[0-9a-f]{8}\.example")  # for the domains in bodies


@dataclass(frozen=True)
class Sent:
    """A request: its bytes are `head`, an empty line, `body`; `names` are the domains that it submits."""

    lines: list[bytes]
    body: bytes
    status: int
    names: list[bytes] = field(default_factory=list)

    @property
    def octets(self) -> bytes:
        return b"\r\n".join([*self.lines, b"", self.body])


def _chunked(data: bytes, sizes: list[int], extension: bytes, trailer: bytes) -> bytes:
    pieces, at = [], 0
    for size in sizes:
        if piece := data[at : at + size]:
            pieces.append(piece)
        at += size
    pieces.append(data[at:])
    coded = [b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces if piece]
    return b"".join(coded) + b"0\r\n" + trailer + b"\r\n"


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    """Draw a request that keeps its connection open."""
    headers = [
        b"Host: 127.0.0.1",
        draw(st.sampled_from([b"Connection: keep-alive", b"X-Padding: a", b"Upgraded: no"])),
        draw(st.sampled_from([b"Accept:", b"X-A: \t b \t", b"X-Long: " + b"x" * 4000, b"X-B: \xff", b"x-c:d"])),
    ]
    if draw(st.booleans()):
        return Sent([b"GET /api/v1/healthz HTTP/1.1", *draw(st.permutations(headers))], b"", 200)
    name = b"m%08x.example" % draw(st.integers(0, 2**32 - 1))
    content = b'{"domain": "%s"}' % name
    headers.append(b"Content-Type: application/json")
    if draw(st.booleans()):
        headers.append(b"Transfer-Encoding: chunked")
        extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b;c"']))
        trailer = draw(st.sampled_from([b"", b"X-T: 1\r\n", b"Content-Type: text/html\r\n", b"Host: evil.example\r\n"]))
        sizes = draw(st.lists(st.integers(1, 12), max_size=6))
        body = _chunked(content, sizes, extension, trailer)
    else:
        headers.append(b"Content-Length: %s%d" % (draw(st.sampled_from([b"", b"0", b"000"])), len(content)))
        body = content
    return Sent([b"POST /api/v1/jobs HTTP/1.1", *draw(st.permutations(headers))], body, 201, [name])


# Each of these fields makes any request malformed at any position.
BAD_FIELDS = (
    b" folded: line",
    b"\tfolded",
    b"Content-Length: 4\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4",
    b"Content-Length: 4\r\nContent-Length: 4",
    b"Content-Length: 4\r\ncontent-length: 5",
    b"Content-Length: 4, 4",
    b"Content-Length: +4",
    b"Content-Length: -0",
    b"Content-Length: 4 4",
    b"Content-Length: 4;",
    b"Content-Length: 4e0",
    b"Content-Length: 0x4",
    b"Content-Length: 4.0",
    b"Content-Length: \xb2",
    b"Content-Length: " + b"9" * 19,
    b"Content-Length: 0" + b"9" * 5000,
    b"Content-Length:\x0b4",
    b"Content-Length : 4",
    b"Content-Length\x00: 4",
    b"Content-Length",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked;q=1",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: chunked\x0b",
    b"Transfer-Encoding:\x0cchunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked",
    b"Transfer-Encoding:",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,",
    b"Host: evil.example",
    b"Host:",
    b"X-A: 1\nTransfer-Encoding: chunked",
    b"X-A: 1\rTransfer-Encoding: chunked",
    b"X-A: 1\r\r\nX-B: 2",
    b"X-A: \x00",
    b": no name",
    b"X A: 1",
    b"X(A): 1",
    b"X-\xc4: 1",
    b"no colon",
    b"X-Huge: " + b"x" * 9000,
    b"\r\n".join(b"X-%d: 1" % number for number in range(120)),
)

# Several blanks between two parts are not malformed: RFC 9112 section 3 lets a server divide the line at white space.
BAD_FIRST_LINES = (
    b"GET /api/v1/healthz",
    b"GET /api/v1/healthz HTTP/1.1 ",
    b"GET\t/api/v1/healthz\tHTTP/1.1",
    b" GET /api/v1/healthz HTTP/1.1",
    b"get /api/v1/healthz HTTP/1.1",
    b"GET /api/v1/healthz HTTP/1.1\x00",
    b"GET /api/v1/healthz http/1.1",
    b"GET /api/v1/healthz HTTP/1.10",
    b"GET /api/v1/healthz HTTP/2.0",
    b"GET /api/v1/healthz HTTP/0.9",
    b"GET /api/v1/healthz HTTP/ 1.1",
    b"GET /api/v1/healthz HTTPS/1.1",
    b"GET /api/v1/\x00 HTTP/1.1",
    b"GET /api/v1/\xc3\xa4 HTTP/1.1",
    b"GET /api/v1/ healthz HTTP/1.1",
    b"GET api/v1/healthz HTTP/1.1",
    b"GET * HTTP/1.1",
    b"GET 127.0.0.1:80 HTTP/1.1",
    b"G\x00T /api/v1/healthz HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"SSH-2.0-OpenSSH_9.6",
    b"\x00\x00\x00\x85\xfeSMB",
    b"*1\r\n$4\r\nPING",
    b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET /api/v1/healthz HTTP/1.1",
)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """Draw a request that is certainly malformed: the request and all data after it must have no effect."""
    lines = list(draw(requests()).lines)
    if draw(st.booleans()):
        lines[0] = draw(st.sampled_from(BAD_FIRST_LINES))
    else:
        if draw(st.booleans()):  # whether or not the request keeps its length
            lines = [line for line in lines if not line.startswith((b"Content-", b"Transfer-"))]
        lines.insert(draw(st.integers(1, len(lines))), draw(st.sampled_from(BAD_FIELDS)))
    return b"\r\n".join([*lines, b"", b'{"domain": "a.example"}'])


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes at positions; any number denotes a position."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


cuts = st.lists(st.integers(0, 2**16), max_size=8)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw consecutive requests, with bytes of them changed, removed, repeated or inserted."""
    data = bytearray(b"".join(sent.octets for sent in draw(st.lists(requests(), min_size=1, max_size=3))))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 30)))
        new: Any = draw(st.sampled_from(["", "twice", "octets", "bits", "field"]))
        if new == "twice":
            data[start:start] = data[start:end]
        elif new == "octets":
            data[start : start + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
        elif new == "bits" and start < len(data):
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif new == "field":
            line_end = data.find(b"\r\n", start)
            data[line_end + 2 : line_end + 2] = draw(st.sampled_from(BAD_FIELDS)) + b"\r\n"
        else:
            del data[start:end]
    return bytes(data)


_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEAD = re.compile(
    rb"(?:\r\n)?(?P<method>[!$%&'*+.^_`|~0-9A-Z-]{3,20}) (?P<target>[\x21-\x7e]+) HTTP/1\.(?P<minor>[0-9])\r\n"
    rb"(?P<fields>(?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n"
)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER = re.compile(rb"(?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n")


def first_request(data: bytes) -> tuple[bytes, bytes, int] | None:
    """Parse the first request by the grammar of RFC 9112, independently of the server: method, body, end position.

    Return None if it is malformed or incomplete.
    """
    head = _HEAD.match(data)
    if head is None:
        return None
    fields = [line.partition(b":") for line in head["fields"].split(b"\r\n")[:-1]]
    named: dict[bytes, list[bytes]] = {}
    for name, _, value in fields:
        named.setdefault(name.lower(), []).append(value.strip(b" \t"))
    lengths, codings = named.get(b"content-length", []), named.get(b"transfer-encoding", [])
    if len(named.get(b"host", [])) != 1 and (head["minor"] != b"0" or b"host" in named):
        return None
    if codings:
        if lengths or [each.lower() for each in codings] != [b"chunked"] or head["minor"] == b"0":
            return None
        return _first_chunked(data, head["method"], head.end())
    if len(lengths) > 1 or not all(re.fullmatch(rb"[0-9]{1,18}", each) for each in lengths):
        return None
    end = head.end() + (int(lengths[0]) if lengths else 0)
    return (head["method"], data[head.end() : end], end) if end <= len(data) else None


def _first_chunked(data: bytes, method: bytes, at: int) -> tuple[bytes, bytes, int] | None:
    body = b""
    while chunk := _CHUNK.match(data, at):
        at, size = chunk.end(), int(chunk[1], 16)
        if not size:
            trailer = _TRAILER.match(data, at)
            return (method, body, trailer.end()) if trailer else None
        body += data[at : at + size]
        at += size
        if data[at : at + 2] != b"\r\n":
            return None
        at += 2
    return None
