"""Responses in a form in which they can be compared, and their differences.

RST compares RCODE, answer, authority and additional section "after normalization". That is: the order of records,
repeated records, the case of names and name compression do not count; nor do the OPT record, the serial of an SOA
record, and what depends on it, the times and the signature of the RRSIG over an SOA record. TTLs do count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from gonemaster_engine.errors import WireError
from gonemaster_engine.net.wire.messages import Record, Response, Section
from gonemaster_engine.net.wire.rrtypes import RRSIG, SOA, rcode_text, type_text
from gonemaster_engine.rst.questions import RstQuery
from gonemaster_engine.rst.tld import TCP, UDP, ServerPath

SECTIONS: tuple[Section, ...] = ("answer", "authority", "additional")
MAX_VARIANTS = 8  # different responses to a query that are kept; further ones only count as different
MAX_SHOWN = 5  # records of a difference
_SERIAL_AT, _SERIAL_OCTETS = 20, 4  # from the end of SOA rdata
_RRSIG_TIMES = slice(8, 16)
_RRSIG_FIXED_OCTETS = 18
_MAX_TEXT = 200  # characters of a record

RecordKey: TypeAlias = tuple[str, int, int, int, bytes]
"""Owner, class, type, TTL and rdata in canonical form."""


class ResponseContent(NamedTuple):
    """What is compared of a response; the sections are empty if it is truncated."""

    rcode: int
    answer: frozenset[RecordKey] = frozenset()
    authority: frozenset[RecordKey] = frozenset()
    additional: frozenset[RecordKey] = frozenset()
    is_truncated: bool = False

    def section(self, name: str) -> frozenset[RecordKey]:
        """Return a section."""
        found: frozenset[RecordKey] = getattr(self, name)
        return found


def content_of(response: Response) -> ResponseContent:
    """Return what is compared of a response."""
    if response.tc:
        return ResponseContent(response.rcode_number, is_truncated=True)
    answer, authority, additional = (frozenset(map(_key, response.section(name))) for name in SECTIONS)
    return ResponseContent(response.rcode_number, answer, authority, additional)


def _key(record: Record) -> RecordKey:
    try:
        data = record.data
    except WireError:
        data = record.octets  # malformed
    if record.type == SOA and len(data) > _SERIAL_AT:
        data = data[:-_SERIAL_AT] + bytes(_SERIAL_OCTETS) + data[_SERIAL_OCTETS - _SERIAL_AT :]
    if record.type == RRSIG and int.from_bytes(data[:2]) == SOA:
        data = _without_signature(data)
    return record.owner, record.rdclass, record.type, record.ttl, data


def _without_signature(data: bytes) -> bytes:
    """Return RRSIG rdata without its times and signature: both change with the serial of the signed SOA record."""
    end = _RRSIG_FIXED_OCTETS
    while end < len(data) and data[end]:  # the signer's name, which is not compressed
        end += data[end] + 1
    return data[: _RRSIG_TIMES.start] + data[_RRSIG_TIMES.stop : end + 1]


@dataclass(slots=True)
class QueryComparison:
    """The responses to one query over all paths."""

    question: RstQuery
    by_path: dict[ServerPath, int] = field(default_factory=dict)  # number of the variant
    sizes: dict[ServerPath, int] = field(default_factory=dict)  # octets of the message
    variants: list[ResponseContent] = field(default_factory=list)
    _numbers: dict[ResponseContent, int] = field(default_factory=dict)

    def add(self, path: ServerPath, response: Response) -> None:
        """Add a response."""
        content = content_of(response)
        number = self._numbers.get(content)
        if number is None:
            number = len(self._numbers)
            if number < MAX_VARIANTS:
                self.variants.append(content)
                self._numbers[content] = number
        self.by_path[path] = number
        self.sizes[path] = response.size

    def settle(self, payload: int) -> None:
        """Treat a response over UDP that lacks additional records because of its size as the one over TCP.

        RFC 2181 section 9: a server may omit additional records without truncating the response.
        """
        for path, number in self.by_path.items():
            over_tcp = ServerPath(path.ns, path.address, TCP)
            complete = self.by_path.get(over_tcp, MAX_VARIANTS)
            if path.protocol != UDP or max(number, complete) >= len(self.variants):
                continue
            short, full = self.variants[number], self.variants[complete]
            is_shortened = short._replace(additional=full.additional) == full and short.additional < full.additional
            if is_shortened and self.sizes[over_tcp] > payload:
                self.by_path[path] = complete

    def usual(self) -> int:
        """Return the number of the most common kept variant that is not truncated; of several, the first."""
        counts = Counter(
            number
            for number in self.by_path.values()
            if number < len(self.variants) and not self.variants[number].is_truncated
        )
        return max(counts, key=lambda number: (counts[number], -number), default=0)

    def differing(self) -> dict[int, list[ServerPath]]:
        """Return the paths whose responses differ from the most common one, by variant."""
        usual = self.usual()
        found: dict[int, list[ServerPath]] = {}
        for path, number in self.by_path.items():
            if number != usual and not self._agrees(number, usual):
                found.setdefault(number, []).append(path)
        return found

    def _agrees(self, number: int, usual: int) -> bool:
        """Return whether a truncated response has the RCODE of the others; its sections cannot be compared."""
        if max(number, usual) >= len(self.variants):
            return False
        each = self.variants[number]
        return each.is_truncated and each.rcode == self.variants[usual].rcode

    def describe(self, number: int) -> tuple[list[str], list[str]]:
        """Return the parts of a variant that differ, and the first records that only one of both responses has."""
        if max(number, self.usual()) >= len(self.variants):
            return ["answer"], []
        usual, other = self.variants[self.usual()], self.variants[number]
        parts, records = [], []
        if usual.rcode != other.rcode:
            parts.append("RCODE")
            records.append(f"+ {rcode_text(other.rcode)}, - {rcode_text(usual.rcode)}")
        for name in SECTIONS if not other.is_truncated else ():
            if usual.section(name) != other.section(name):
                parts.append(name)
                records += [f"+ {text}" for text in _texts(other.section(name) - usual.section(name))]
                records += [f"- {text}" for text in _texts(usual.section(name) - other.section(name))]
        return parts, records[:MAX_SHOWN]


def _texts(keys: Iterable[RecordKey]) -> Iterator[str]:
    for owner, _, rtype, ttl, data in sorted(keys)[:MAX_SHOWN]:
        yield f"{owner} {ttl} {type_text(rtype)} {_rdata_text(rtype, data)}"[:_MAX_TEXT]


def _rdata_text(rtype: int, data: bytes) -> str:
    import dns.rdata  # imported here: only differences are shown
    from dns.rdataclass import IN
    from dns.rdatatype import RdataType

    try:
        return dns.rdata.from_wire(IN, RdataType.make(rtype), data, 0, len(data)).to_text()
    except Exception:  # noqa: BLE001 - hostile rdata: dnspython may raise any exception
        return data.hex()


def compare(
    questions: Sequence[RstQuery], responses: Mapping[ServerPath, Mapping[RstQuery, Response | str]], *, payload: int
) -> list[QueryComparison]:
    """Return the comparison of the responses to each query; a text in place of a response is an error."""
    found = []
    for question in questions:
        comparison = QueryComparison(question)
        for path, by_question in responses.items():
            response = by_question.get(question)
            if isinstance(response, Response):
                comparison.add(path, response)
        comparison.settle(payload)
        found.append(comparison)
    return found
