"""Parser of Zonemaster's packet recordings: one line per server with its name, address and a JSON object of answers.

The keys of the object are MD5 digests of the query with its options, so the queries are found by trying every
combination of the names, types and classes in the answers with the options that Zonemaster uses.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from gonemaster_engine import names
from gonemaster_engine.errors import WireError
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.wire.messages import DNSSEC_EDNS, RD, Edns, Response
from gonemaster_engine.net.wire.rrtypes import CLASS_NUMBER

_LINE = re.compile(rb"\A[^ {\n]+ [0-9a-fA-F.:]+ \{")
_TIME = re.compile(r'"timestamp":\s*"?([0-9]{1,11}(?:\.[0-9]{1,9})?)')
MAX_TIME = 1 << 34  # POSIX seconds, in the year 2514; the limit of serial number arithmetic on signature times
_EXTRA_TYPES = frozenset({"A", "AAAA", "NS", "SOA", "MX", "TXT", "DS", "DNSKEY"})  # for queries without any answer
_UNKNOWN_OPTION = 137  # the option that nameserver11 sends


class _RecordedItem(NamedTuple):
    address: str
    digest: str
    source: str
    wire: bytes | None


@dataclass(frozen=True, slots=True)
class _Options:
    """Query options: their text in the digest, and their values in this engine."""

    text: str  # the text between class and payload size
    payload: int
    edns: Edns | None
    tcp: bool
    rd: bool


def looks_like_recording(octets: bytes) -> bool:
    """Return whether a file starts like a recording."""
    return _LINE.match(octets) is not None


def is_truncated(text: str) -> bool:
    """Return whether the last line is incomplete; other damaged lines can be skipped."""
    last = text.rstrip().rpartition("\n")[2]
    try:
        json.loads(last.split(" ", 2)[2])
    except (ValueError, IndexError):
        return True
    return False


def read_recording(text: str, problems: list[str]) -> Iterator[tuple[str, QueryKey, Response | None]]:
    """Yield address, query and response of each answer whose query was determined.

    Unusable answers are added to `problems`. Each query is yielded twice, with and without fallback to TCP after a
    truncated response, because recordings do not contain this option.
    """
    items = list(_items(text, problems))
    known = _queries_of(items)
    unknown = 0
    for item in items:
        key = known.get(item.digest)
        if key is None:
            unknown += 1
            continue
        try:
            response = _response(item, key)
        except WireError as error:
            problems.append(f"answer of {item.address} to {key.qname} {key.qtype}: {error}")
            continue
        yield item.address, key, response
        yield item.address, key._replace(fallback=False), response
    if unknown:
        problems.append(f"{unknown} answers belong to queries that could not be determined")


def recording_time(text: str) -> float | None:
    """Return the time of the last packet in POSIX seconds; None if no packet has a time."""
    times = [float(time) for time in _TIME.findall(text)]
    return max((time for time in times if time < MAX_TIME), default=None)


def _items(text: str, problems: list[str]) -> Iterator[_RecordedItem]:
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            _, address, document = line.split(" ", 2)
            address = names.canonical_address(address)
            for digest, value in json.loads(document).items():
                yield _item(address, digest, value)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"line {number}: {type(error).__name__}: {error}")


def _item(address: str, digest: str, value: Any) -> _RecordedItem:
    if value is None:
        return _RecordedItem(address, digest, address, None)
    packet = value["Zonemaster::Engine::Packet"]["Zonemaster::LDNS::Packet"]
    return _RecordedItem(address, digest, packet.get("answerfrom") or address, base64.b64decode(packet["data"]))


def _response(item: _RecordedItem, key: QueryKey) -> Response | None:
    if item.wire is None:
        return None
    return Response(item.wire, source=item.source, over_tcp=key.tcp, qclass=CLASS_NUMBER[key.qclass])


def _queries_of(items: list[_RecordedItem]) -> dict[str, QueryKey]:
    """Return the queries of the digests that could be determined."""
    seen: set[tuple[str, str, str]] = set()
    for item in items:
        if item.wire is not None and (query := _query_of(item.wire)):
            seen.add(query)
    owners = {owner for owner, _, _ in seen}
    types = {rtype for _, rtype, _ in seen} | _EXTRA_TYPES
    likely = itertools.product(seen, _all_options())
    found = {_digest(*query, options): _key(*query, options) for query, options in likely}
    missing = {item.digest for item in items} - found.keys()
    for owner, rtype, options in itertools.product(sorted(owners), sorted(types), _all_options() if missing else ()):
        digest = _digest(owner, rtype, "IN", options)
        if digest in missing:
            found[digest] = _key(owner, rtype, "IN", options)
    return found


def _query_of(wire: bytes) -> tuple[str, str, str] | None:
    """Return the name (in its original case), type and class of a response's question."""
    try:
        response = Response(wire)
    except WireError:
        return None
    octets = response.question_name_octets
    if octets is None or response.question_type is None:
        return None
    qclass = int.from_bytes(wire[12 + len(octets) + 2 : 12 + len(octets) + 4])
    mnemonic = next((name for name, number in CLASS_NUMBER.items() if number == qclass), "IN")
    return _spelled(octets), response.question_type, mnemonic


def _spelled(octets: bytes) -> str:
    labels, position = [], 0
    while length := octets[position]:
        labels.append(octets[position + 1 : position + 1 + length].decode("latin-1"))
        position += 1 + length
    return ".".join(labels) or "."


def _digest(name: str, rtype: str, qclass: str, options: _Options) -> str:
    text = f"NAME{name}TYPE{rtype}CLASS{qclass}{options.text}EDNS_UDP_SIZE{options.payload}"
    digest = hashlib.md5(text.encode("latin-1"), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode().rstrip("=")


def _key(name: str, rtype: str, qclass: str, options: _Options) -> QueryKey:
    canonical = name.lower()
    octets = _octets(name) if canonical != name else None
    flags = RD if options.rd else 0
    return QueryKey(canonical, rtype, qclass, flags, options.edns, options.tcp, qname_octets=octets)


def _octets(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in name.split(".")) + b"\0"


def _all_options() -> list[_Options]:
    """Return the combinations of options that Zonemaster's test cases use."""
    plain = [
        _Options(f"DNSSEC{int(dnssec)}USEVC{int(tcp)}RECURSE{int(rd)}", payload, edns, tcp, rd)
        for dnssec, payload, edns in ((False, 0, None), (True, DNSSEC_EDNS.payload, DNSSEC_EDNS))
        for tcp in (False, True)
        for rd in (False, True)
    ]
    return plain + list(map(_with_edns, _EDNS_OF_CASES))


_EDNS_OF_CASES = (
    Edns(),  # nameserver02, 10, 11
    Edns(version=1),  # nameserver10
    Edns(options=((_UNKNOWN_OPTION, b""),)),  # nameserver11
    Edns(z=3),  # nameserver12
    Edns(do=True),  # nameserver13
)


def _with_edns(edns: Edns) -> _Options:
    data = edns.options[0][0] << 16 if edns.options else ""
    text = (
        f"DNSSEC{int(edns.do)}USEVC0RECURSE0EDNS_VERSION{edns.version}EDNS_Z{edns.z}EDNS_EXTENDED_RCODE0EDNS_DATA{data}"
    )
    return _Options(text, edns.payload, edns, tcp=False, rd=False)
