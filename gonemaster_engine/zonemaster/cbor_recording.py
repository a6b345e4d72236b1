"""Parser of the packet recordings of Zonemaster-Engine 9, which are in CBOR (RFC 8949).

Public about the format is that a key is the query as a DNS packet, with internal flags in place of its ID, and that the
responses are DNS packets without base64 (zonemaster-engine, pull requests 1517 and 1531). The nesting of servers,
queries and responses is not public, so that any nesting is read: an address, with or without a name and a slash before
it, applies to the items next to it and below it. Of the attributes of a query only the use of TCP is not in the packet,
so that flags other than 0 mean TCP.

The library decodes the file; limits for size, depth, items and tags keep a hostile file cheap.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gonemaster_engine import names
from gonemaster_engine.errors import WireError
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.wire.messages import RD, Edns, Response
from gonemaster_engine.net.wire.rrtypes import CLASS_NUMBER

if TYPE_CHECKING:
    import dns.message

MAX_OCTETS: Final = 32 * 1024 * 1024
MAX_DEPTH: Final = 12
MAX_ITEMS: Final = 1_000_000  # values in arrays and maps

_FIRST: Final = frozenset({*range(0x80, 0xC0), 0xD8, 0xD9})  # an array, a map or a tag; text starts with other octets
_REFUSED_TAGS: Final = (*range(6), 28, 29, 30, 35, 36, 37, 100, 258, 260, 261, 1004, 43000)
_HEADER, _QR = 12, 0x80
_SERVER = re.compile(r"(?:[^\s/]*/)?([0-9.]{7,15}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)")
_TIMES = (1e9, 1 << 34)  # POSIX seconds: numbers outside are other values

Answer: TypeAlias = tuple[str, QueryKey, Response | None]


@dataclass
class CborRecording:
    """The content of a recording."""

    answers: list[Answer]
    recorded_at: float | None  # the latest time in the file


def looks_like_cbor(octets: bytes) -> bool:
    """Return whether a file starts like a recording in CBOR."""
    return octets[:1] != b"" and octets[0] in _FIRST


def read_cbor(octets: bytes, problems: list[str]) -> CborRecording:
    """Return the answers of a recording; unusable ones are added to `problems`.

    Each query has two answers, with and without fallback to TCP, because recordings do not contain this option.

    Raises:
      ValueError: the file is too large, is not CBOR, is truncated, or has no query with a response.
    """
    if len(octets) > MAX_OCTETS:
        raise ValueError(f"a recording in CBOR has at most {MAX_OCTETS} bytes")
    collector = _AnswerCollector(problems)
    for item in _decoded(octets):
        collector.read(item)
    if not collector.answers:
        raise ValueError(f"the file is CBOR, but not a recording{f' ({problems[0]})' if problems else ''}")
    return CborRecording(collector.answers, collector.recorded_at)


def _decoded(octets: bytes) -> Iterator[Any]:
    """Yield the top-level items. Raises ValueError."""
    try:
        import cbor2  # imported here: an optional dependency
    except ImportError as error:
        raise ValueError("a recording in CBOR needs the package cbor2: pip install 'gonemaster[recordings]'") from error
    file = io.BytesIO(octets)
    decoder = cbor2.CBORDecoder(
        file,
        tag_hook=_refuse,
        semantic_decoders=dict.fromkeys(_REFUSED_TAGS, _refuse),
        max_depth=MAX_DEPTH,
        strict_hashable_types=True,
    )
    while file.tell() < len(octets):
        try:
            yield decoder.decode()
        except cbor2.CBORDecodeEOF as error:
            raise ValueError("the recording is truncated") from error
        except (cbor2.CBORDecodeError, OverflowError, MemoryError) as error:
            raise ValueError(f"not a recording in CBOR: {error}") from error


def _refuse(*_: Any) -> Any:
    raise ValueError("recordings have no tagged values")


class _AnswerCollector:
    """Collects the answers in the items of a file."""

    def __init__(self, problems: list[str]) -> None:
        self.answers: list[Answer] = []
        self.recorded_at: float | None = None
        self._problems = problems
        self._items = 0

    def read(self, item: Any, address: str | None = None) -> None:
        """Read an item; `address` is that of the items above. Raises ValueError if there are too many items."""
        if isinstance(item, Mapping):
            self._count(item)
            self._read_map(item, address)
        elif isinstance(item, (list, tuple)):
            self._count(item)
            self._read_list(item, address)
        elif isinstance(item, (int, float)) and not isinstance(item, bool) and _TIMES[0] <= item < _TIMES[1]:
            self.recorded_at = max(self.recorded_at or 0.0, float(item))

    def _count(self, items: Any) -> None:
        self._items += len(items)
        if self._items > MAX_ITEMS:
            raise ValueError(f"a recording in CBOR has at most {MAX_ITEMS} values")

    def _read_map(self, item: Mapping[Any, Any], address: str | None) -> None:
        address = _address_in(value for key, value in item.items() if not _is_packet(key)) or address
        query = next((value for value in item.values() if _is_query(value)), None)
        if query is not None:
            self._read_answer(address, query, [value for value in item.values() if value is not query])
            return
        for key, value in item.items():
            if _is_query(key):
                self._read_answer(address, key, value)
            else:
                self.read(value, _address_of(key) or address)

    def _read_list(self, items: Any, address: str | None) -> None:
        address = _address_in(items) or address
        if len(items) > 1 and _is_query(items[0]):
            self._read_answer(address, items[0], list(items[1:]))
            return
        for each in items:
            self.read(each, address)

    def _read_answer(self, address: str | None, query: bytes, value: Any) -> None:
        if address is None:
            self._problems.append("a query belongs to no address")
            return
        try:
            key = _key(query)
            wire, source = _response_in(value), _address_in_answer(value) or address
            response = None
            if wire is not None:
                response = Response(wire, source=source, over_tcp=key.tcp, qclass=CLASS_NUMBER[key.qclass])
        except (WireError, ValueError, KeyError) as error:
            self._problems.append(f"answer of {address}: {type(error).__name__}: {error}")
            return
        self.read(value, address)  # the times
        self.answers += [(address, key, response), (address, key._replace(fallback=False), response)]


def _is_packet(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) >= _HEADER + 5


def _is_query(value: Any) -> bool:
    """Return whether a value is a DNS query: one question, no answer."""
    return _is_packet(value) and not value[2] & _QR and value[4:10] == b"\0\1\0\0\0\0"


def _is_response(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) >= _HEADER and bool(value[2] & _QR)


def _address_of(value: Any) -> str | None:
    """Return the address in a text such as "192.0.2.1" or "ns1.example/192.0.2.1"; Perl writes texts as bytes."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace") if len(value) <= 320 else ""
    found = _SERVER.fullmatch(value) if isinstance(value, str) and len(value) <= 320 else None
    if found is None:
        return None
    try:
        return names.canonical_address(found[1])
    except ValueError:
        return None


def _address_in(values: Iterable[Any]) -> str | None:
    return next((address for value in values if (address := _address_of(value))), None)


def _address_in_answer(value: Any) -> str | None:
    """Return the address from which a response came."""
    if isinstance(value, Mapping):
        return _address_in(value.values())
    return _address_in(value) if isinstance(value, (list, tuple)) else None


def _response_in(value: Any, depth: int = 0) -> bytes | None:
    """Return the first response packet in a value; a zone transfer can have several."""
    if _is_response(value):
        wire: bytes = value
        return wire
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    if depth > MAX_DEPTH:
        return None
    return next((found for each in inner if (found := _response_in(each, depth + 1)) is not None), None)


def _key(wire: bytes) -> QueryKey:
    """Return the key of a query packet.

    Raises:
      ValueError: the packet is not a query of a known class.
    """
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rdataclass
    import dns.rdatatype

    try:
        query = dns.message.from_wire(wire, ignore_trailing=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"not a DNS query: {type(error).__name__}") from error
    question = query.question[0]
    qclass = dns.rdataclass.to_text(question.rdclass)
    if qclass not in CLASS_NUMBER:
        raise ValueError(f"a query of the class {qclass}")
    octets = question.name.to_wire() or b""
    qname = names.canonical(_spelled(octets))
    return QueryKey(
        qname,
        dns.rdatatype.to_text(question.rdtype),
        qclass,
        RD if query.flags & dns.flags.RD else 0,
        _edns(query),
        tcp=query.id != 0,
        qname_octets=octets if octets != octets.lower() else None,
    )


def _spelled(octets: bytes) -> str:
    labels, position = [], 0
    while length := octets[position]:
        labels.append(octets[position + 1 : position + 1 + length].decode("latin-1"))
        position += 1 + length
    return ".".join(labels).lower() or "."


def _edns(query: dns.message.Message) -> Edns | None:
    if query.edns < 0:
        return None
    flags = query.ednsflags
    return Edns(
        version=query.edns,
        payload=query.payload,
        do=bool(flags & 0x8000),
        z=flags & 0x7FFF,
        extended_rcode=flags >> 24,
        options=tuple((int(option.otype), option.to_wire() or b"") for option in query.options),
    )
