"""DNS messages in wire format: queries from a template, and responses that are parsed only as far as a test needs.

A response is walked once, for its header, its question, and owner, type, class, TTL and rdata position of each record.
A dnspython object is created only when a test case reads the rdata, because dnspython's full parse takes many times
longer than the walk and a run reads hundreds of answers.

Source: RFC 1035 section 4, RFC 6891 (EDNS), RFC 3597 (unknown types).
"""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

import dns.exception
import dns.name
import dns.rdata
import dns.rrset

from gonemaster_engine import names
from gonemaster_engine.errors import WireError
from gonemaster_engine.limits import ANSWER_MAX_RECORDS, SET_MAX_RECORDS, SIGNED_SET_MAX_RECORDS
from gonemaster_engine.net.wire.octets import MessageOctets, edns_options
from gonemaster_engine.net.wire.rdata import rdata_of
from gonemaster_engine.net.wire.rrtypes import (
    AAAA,
    CNAME,
    DNAME,
    IN,
    MX,
    NS,
    OPT,
    PTR,
    RRSIG,
    SOA,
    A,
    rcode_text,
    type_number,
    type_text,
)

Section: TypeAlias = Literal["answer", "authority", "additional"]

HEADER_OCTETS = 12
_ID_OCTETS = 2
_RESPONSE_OVERHEAD_OCTETS = 2048  # memory for a response without records, and for its query
_RECORD_OVERHEAD_OCTETS = 400  # memory for a record
_SOA_OVERHEAD_OCTETS = 600  # memory for the dnspython object of an SOA record, without the labels of its names
_SOA_LABEL_FACTOR = 20  # a label of two characters and its dot take 56 octets
_OPTION_OVERHEAD_OCTETS = 200
RD, CD, AD = 0x0100, 0x0010, 0x0020
_QR, _AA, _TC, _RA, _Z = 0x8000, 0x0400, 0x0200, 0x0080, 0x0040
_DO = 0x8000
DNSSEC_PAYLOAD = 1232  # octets; DNS flag day 2020
PLAIN_PAYLOAD = 512

_HEADER = struct.Struct("!HHHHHH")
_RECORD_FIXED = struct.Struct("!HHIH")  # type, class, TTL, rdata length
_QUESTION_FIXED = struct.Struct("!HH")
_SOA_NUMBERS_OCTETS = 20
_NAME_TYPES = frozenset({NS, CNAME, PTR, DNAME})
_NAME_IN_RDATA = _NAME_TYPES | {MX, SOA}  # the names in them are checked here
_TARGET_TYPES = _NAME_TYPES | {MX}
_SIGNED_TYPES = frozenset(map(type_number, ("DS", "RRSIG", "NSEC", "DNSKEY", "NSEC3", "NSEC3PARAM", "CDS", "CDNSKEY")))
_INDEX_FROM = 32  # records of a section; larger sections are indexed by owner


class Edns(NamedTuple):
    """The OPT pseudo-record of a query or response (RFC 6891 section 6.1).

    It is a tuple because each cache lookup compares it, which tuples do without calling Python code.
    """

    payload: int = PLAIN_PAYLOAD  # octets
    version: int = 0
    do: bool = False
    z: int = 0  # the fifteen flag bits after DO
    options: tuple[tuple[int, bytes], ...] = ()
    extended_rcode: int = 0  # upper eight bits of the RCODE

    def to_wire(self) -> bytes:
        """Return the record in wire format."""
        rdata = b"".join(struct.pack("!HH", code, len(value)) + value for code, value in self.options)
        flags = (_DO if self.do else 0) | self.z
        fixed = struct.pack("!BHHBBHH", 0, OPT, self.payload, self.extended_rcode, self.version, flags, len(rdata))
        return fixed + rdata

    def option(self, code: int) -> bytes | None:
        """Return the data of the first option of a code, None if there is none."""
        return next((value for number, value in self.options if number == code), None)


DNSSEC_EDNS = Edns(payload=DNSSEC_PAYLOAD, do=True)


@lru_cache(maxsize=8192)
def query_body(qname: bytes, qtype: int, qclass: int, flags: int, edns: Edns | None) -> bytes:
    """Return a query without its first two octets, the message ID; `qname` is in wire format.

    The result is cached, because the same question goes to several servers.
    """
    body = struct.pack("!HHHHH", flags, 1, 0, 0, 1 if edns else 0) + qname + _QUESTION_FIXED.pack(qtype, qclass)
    return body + edns.to_wire() if edns else body


class Record:
    """One resource record of a response. Rdata is decoded on demand."""

    __slots__ = ("_decoded", "_end", "_good", "_message", "_rdata", "_start", "owner", "rdclass", "ttl", "type")

    def __init__(self, message: MessageOctets, owner: str, fixed: tuple[int, int, int], start: int, end: int) -> None:
        self._message = message
        self.owner = owner
        self.type, self.rdclass, self.ttl = fixed
        self._start = start
        self._end = end
        self._good: bool | None = None
        self._decoded: str | None = None
        self._rdata: dns.rdata.Rdata | None = None

    def __repr__(self) -> str:
        return f"<Record {self.owner} {self.ttl} {self.rtype}>"

    @property
    def rtype(self) -> str:
        """The mnemonic of the type."""
        return type_text(self.type)

    @property
    def target(self) -> str:
        """The name in the rdata of an NS, CNAME, DNAME, PTR, MX or SOA record."""
        if self._decoded is None:
            self._decoded = self._message.name_at(self._start + (2 if self.type == MX else 0))[0]
        return self._decoded

    @property
    def preference(self) -> int:
        """The preference of an MX record."""
        return int.from_bytes(self._message.wire[self._start : self._start + 2])

    @property
    def address(self) -> str:
        """The address of an A or AAAA record, in canonical text form."""
        if self._decoded is None:
            family = socket.AF_INET if self.type == A else socket.AF_INET6
            self._decoded = socket.inet_ntop(family, self.octets)
        return self._decoded

    @property
    def octets(self) -> bytes:
        """The rdata as in the message; names in it may be compressed."""
        return self._message.wire[self._start : self._end]

    @property
    def rdata(self) -> dns.rdata.Rdata:
        """The rdata as a dnspython object.

        Only the object of an SOA record is stored, because test cases read it often. The objects of other types could
        take sixty times as much memory as their rdata.

        Raises:
          WireError: the record is malformed; never for records that `Response.records` returns.
        """
        if self._rdata is not None:
            return self._rdata
        rdata = self._parse()
        if self.type == SOA:
            self._rdata = rdata
        return rdata

    def _parse(self) -> dns.rdata.Rdata:
        try:
            return rdata_of(self.rdclass, self.type, self._message.wire, start=self._start, end=self._end)
        except Exception as error:  # hostile rdata: dnspython may raise any exception
            if self.type in _NAME_IN_RDATA and self.is_well_formed:
                # dnspython rejects a pointer to labels that extend beyond the rdata. No server needs it, but the name
                # is valid.
                rdata = self._uncompressed()
                return rdata_of(self.rdclass, self.type, rdata, start=0, end=len(rdata))
            raise WireError(f"rdata of {self!r} is malformed: {error}") from error

    def _uncompressed(self) -> bytes:
        """Return the rdata of a type with names, uncompressed."""
        position = self._start + (2 if self.type == MX else 0)
        octets = self._message.wire[self._start : position]
        for _ in range(2 if self.type == SOA else 1):
            name, position = self._message.name_at(position)
            octets += names.to_wire(name)
        return octets + self._message.wire[position : self._end]

    @property
    def data(self) -> bytes:
        """The rdata in canonical form (RFC 4034 section 6.2), for comparing records without their TTL."""
        if self.type in {A, AAAA}:
            return self.octets
        return self.rdata.to_digestable()

    @property
    def held_octets(self) -> int:
        """Estimated memory of the record, without the names in its rdata, which are decoded here and in the message."""
        has_names = self.type in _NAME_IN_RDATA and self.is_well_formed
        if self.type != SOA or not has_names:
            return _RECORD_OVERHEAD_OCTETS
        mname, after_mname = self._message.name_at(self._start)
        rname, _ = self._message.name_at(after_mname)
        return _RECORD_OVERHEAD_OCTETS + _SOA_OVERHEAD_OCTETS + (len(mname) + len(rname)) * _SOA_LABEL_FACTOR

    @property
    def is_well_formed(self) -> bool:
        """Whether the rdata is valid for its type."""
        if self._good is None:
            self._good = self._check()
        return self._good

    def _check(self) -> bool:
        length = self._end - self._start
        if self.type == A:
            return length == 4 and self.rdclass == IN
        if self.type == AAAA:
            return length == 16 and self.rdclass == IN
        try:
            return self._check_names(length)
        except WireError:
            return False

    def _check_names(self, length: int) -> bool:
        message = self._message
        if self.type in _NAME_TYPES:
            return message.name_at(self._start)[1] == self._end
        if self.type == MX:
            return length > 2 and message.name_at(self._start + 2)[1] == self._end
        if self.type == SOA:
            _, after_mname = message.name_at(self._start)
            return message.name_at(after_mname)[1] + _SOA_NUMBERS_OCTETS == self._end
        return self.rdata is not None


ResponsePool: TypeAlias = "dict[int, Response]"
"""The responses of a run by the hash of their octets without the ID.

An attacker gains nothing from a hash collision.
"""


def _cut_order(record: Record) -> tuple[int, str, bytes]:
    """Return a sort key that is the same for a record in all responses, independent of name compression."""
    if record.type not in _TARGET_TYPES:
        return 0, "", record.octets
    try:
        return (record.preference if record.type == MX else 0), record.target, b""
    except WireError:
        return 0, "", record.octets


def _max_records(number: int) -> int:
    return SIGNED_SET_MAX_RECORDS if number in _SIGNED_TYPES else SET_MAX_RECORDS


class Response:
    """A DNS response and how it arrived; the octets are walked once, in the constructor.

    Servers of one zone often give the same answers. Responses in one `response_pool` that have the same octets except
    for the ID share the results of parsing, so each record is parsed once, even if many servers sent it.

    Raises:
      WireError: the octets cannot be walked as a DNS message.
    """

    __slots__ = (
        "_by_owner",
        "_edns",
        "_found",
        "_held_octets",
        "_message",
        "additional",
        "answer",
        "authority",
        "flags",
        "id",
        "is_cut",
        "over_tcp",
        "qclass",
        "question_name_octets",
        "question_type",
        "rtt_ms",
        "source",
        "wire",
    )

    answer: tuple[Record, ...]
    authority: tuple[Record, ...]
    additional: tuple[Record, ...]
    question_name_octets: bytes | None
    question_type: str | None
    _by_owner: dict[Section, dict[str, list[Record]]]
    _edns: Edns | None
    _found: dict[tuple[str, str | None, str], list[Record]]
    _held_octets: int | None
    flags: int  # including the RCODE, as received
    is_cut: bool  # whether the response has more records than are read
    _message: MessageOctets

    def __init__(
        self,
        wire: bytes,
        *,
        source: str = "",
        over_tcp: bool = False,
        rtt_ms: float = 0.0,
        qclass: int = IN,
        response_pool: ResponsePool | None = None,
    ) -> None:
        self.wire = wire
        self.source = source
        self.over_tcp = over_tcp
        self.rtt_ms = rtt_ms
        self.qclass = qclass
        if response_pool is None:
            self._read()
            return
        octets = wire[_ID_OCTETS:]
        mark = hash(octets)
        equal = response_pool.get(mark)
        if equal and equal.qclass == qclass and equal.wire.endswith(octets) and len(equal.wire) == len(wire):
            self._share(equal)
        else:
            self._read()
            response_pool[mark] = self

    def _share(self, equal: Response) -> None:
        """Copy the results of parsing the same octets."""
        self.id = int.from_bytes(self.wire[:_ID_OCTETS])
        self.flags = equal.flags
        self.question_name_octets = equal.question_name_octets
        self.question_type = equal.question_type
        self.answer, self.authority, self.additional = equal.answer, equal.authority, equal.additional
        self._message = equal._message
        self._found = equal._found
        self._by_owner = equal._by_owner
        self._edns = equal._edns
        self._held_octets = equal._held_octets
        self.is_cut = equal.is_cut

    def _read(self) -> None:
        wire = self.wire
        self._held_octets = None
        self.question_name_octets = None
        self.question_type = None
        self._message = MessageOctets(wire)
        self._found = {}
        self._by_owner = {}
        self._edns = None
        self.is_cut = False
        try:
            self._walk()
        except (IndexError, struct.error) as error:
            raise WireError("the message is too short") from error

    def _walk(self) -> None:
        header: tuple[int, ...] = _HEADER.unpack_from(self.wire)
        self.id, self.flags, questions, answers, authorities, additionals = header
        position = self._walk_questions(questions)
        self.answer, position = self._walk_section(answers, position, 0)
        self.authority, position = self._walk_section(0 if self.is_cut else authorities, position, answers)
        additional, _ = self._walk_section(0 if self.is_cut else additionals, position, answers + authorities)
        self.additional = tuple(record for record in additional if not self._take_opt(record))

    def _walk_questions(self, count: int) -> int:
        position = HEADER_OCTETS
        for number in range(count):
            start = position
            position = self._message.name_at(position)[1]
            qtype, _ = _QUESTION_FIXED.unpack_from(self.wire, position)
            if number == 0:
                self.question_name_octets = self.wire[start:position]
                self.question_type = type_text(qtype)
            position += 4
        return position

    def _walk_section(self, count: int, position: int, before: int) -> tuple[tuple[Record, ...], int]:
        """Return the records of a section and the position after them; `before` is the number of earlier records."""
        message, wire, limit = self._message, self.wire, len(self.wire)
        records = []
        if before + count > ANSWER_MAX_RECORDS:
            self.is_cut = True
            count = ANSWER_MAX_RECORDS - before
        for _ in range(count):
            owner, position = message.name_at(position)
            rtype, rdclass, ttl, length = _RECORD_FIXED.unpack_from(wire, position)
            position += 10
            end = position + length
            if end > limit:
                raise WireError("a record extends beyond the end of the message")
            # RFC 2181 section 8: a TTL with the highest bit set is treated as zero.
            records.append(Record(message, owner, (rtype, rdclass, ttl if ttl < 0x80000000 else 0), position, end))
            position = end
        return tuple(records), position

    def _take_opt(self, record: Record) -> bool:
        if record.type != OPT:
            return False
        if self._edns is None and record.owner == names.ROOT:
            ttl = int.from_bytes(self.wire[record._start - 6 : record._start - 2])  # noqa: SLF001 - same module
            self._edns = Edns(
                payload=record.rdclass,
                extended_rcode=ttl >> 24,
                version=ttl >> 16 & 0xFF,
                do=bool(ttl & _DO),
                z=ttl & 0x7FFF,
                options=edns_options(record.octets),
            )
        return True

    @property
    def size(self) -> int:
        """Size of the message in octets."""
        return len(self.wire)

    @property
    def held_octets(self) -> int:
        """Estimated memory of the response, much more than its size if names are compressed.

        A label and a pointer to a long name take a dozen octets in the message and a thousand characters as text. Data
        shared by several responses is counted for each of them.
        """
        if self._held_octets is None:
            octets = sum(record.held_octets for record in (*self.answer, *self.authority, *self.additional))
            octets += _RESPONSE_OVERHEAD_OCTETS + self._message.held_octets  # including decoded names
            options = self._edns.options if self._edns else ()
            self._held_octets = octets + sum(len(value) + _OPTION_OVERHEAD_OCTETS for _, value in options)
        return self._held_octets

    @property
    def record_count(self) -> int:
        """Number of records, without OPT."""
        return len(self.answer) + len(self.authority) + len(self.additional)

    @property
    def edns(self) -> Edns | None:
        """The OPT pseudo-record, or None."""
        return self._edns

    @property
    def opcode(self) -> int:
        """The OPCODE."""
        return self.flags >> 11 & 0xF

    @property
    def rcode_number(self) -> int:
        """The RCODE, including the upper bits from EDNS."""
        upper = self._edns.extended_rcode << 4 if self._edns else 0
        return upper | self.flags & 0xF

    @property
    def rcode(self) -> str:
        """The mnemonic of the RCODE."""
        return rcode_text(self.rcode_number)

    @property
    def qr(self) -> bool:
        """Whether the message is a response (QR)."""
        return bool(self.flags & _QR)

    @property
    def aa(self) -> bool:
        """Whether the message is an authoritative answer (AA)."""
        return bool(self.flags & _AA)

    @property
    def tc(self) -> bool:
        """Whether the message is truncated (TC)."""
        return bool(self.flags & _TC)

    @property
    def rd(self) -> bool:
        """Whether recursion is desired (RD)."""
        return bool(self.flags & RD)

    @property
    def ra(self) -> bool:
        """Whether recursion is available (RA)."""
        return bool(self.flags & _RA)

    @property
    def z(self) -> bool:
        """The reserved header bit."""
        return bool(self.flags & _Z)

    @property
    def ad(self) -> bool:
        """Whether the server marks the data as authentic (AD)."""
        return bool(self.flags & AD)

    @property
    def cd(self) -> bool:
        """Whether checking is disabled (CD)."""
        return bool(self.flags & CD)

    def section(self, section: Section) -> tuple[Record, ...]:
        """Return the records of a section, without OPT."""
        if section == "answer":
            return self.answer
        return self.authority if section == "authority" else self.additional

    def records(self, rtype: str, owner: str | None = None, section: Section = "answer") -> list[Record]:
        """Return the records of the given type and owner, without those of another class or with malformed rdata.

        Of an abusively large set, only some records are returned. The list is cached: do not modify it.
        """
        key = (rtype, owner, section)
        found = self._found.get(key)
        if found is None:
            chosen = self.of_type(type_number(rtype), owner, section)
            found = self._found[key] = [record for record in chosen if record.is_well_formed]
        return found

    def of_type(self, number: int, owner: str | None, section: Section) -> list[Record]:
        """Return the records of a type and owner as received, well-formed or not; of a very large set, only some."""
        qclass, maximum = self.qclass, _max_records(number)
        found = [
            record
            for record in self._candidates(owner, section)
            if record.type == number and (owner is None or record.owner == owner) and record.rdclass == qclass
        ]
        return found if len(found) <= maximum else sorted(found, key=_cut_order)[:maximum]

    def _candidates(self, owner: str | None, section: Section) -> Sequence[Record]:
        records = self.section(section)
        if owner is None or len(records) < _INDEX_FROM:
            return records
        index = self._by_owner.get(section)
        if index is None:
            index = self._by_owner[section] = {}
            for record in records:
                index.setdefault(record.owner, []).append(record)
        return index.get(owner, ())

    def large_sets(self) -> list[tuple[str, str, int]]:
        """Return the sets in the answer of which only some records are read: owner, type, number of records read."""
        sizes = Counter((record.owner, record.type) for record in self.answer)
        return [
            (owner, type_text(number), _max_records(number))
            for (owner, number), size in sizes.items()
            if size > _max_records(number)
        ]

    def has(self, rtype: str, owner: str | None = None, section: Section = "answer") -> bool:
        """Return whether there is a record of the given type and owner."""
        return bool(self.records(rtype, owner, section))

    def signatures(self, covered: str, owner: str | None = None, section: Section = "answer") -> list[Record]:
        """Return the RRSIG records that cover a type."""
        number = type_number(covered)
        return [
            record
            for record in self.records("RRSIG", owner, section)
            if record.type == RRSIG and int.from_bytes(record.octets[:2]) == number
        ]

    def rrset(self, rtype: str, owner: str, section: Section = "answer") -> dns.rrset.RRset | None:
        """Return the records of the given type and owner as a dnspython RRset, or None."""
        return make_rrset(self.records(rtype, owner, section))

    @property
    def is_referral(self) -> bool:
        """Whether the message is a referral: NOERROR, no AA, NS as authority, and at most CNAME as answer."""
        return (
            not self.flags & (_AA | 0xF)
            and not (self._edns and self._edns.extended_rcode)
            and self.has("NS", None, "authority")
            and all(record.type in {CNAME, RRSIG} for record in self.answer)
        )

    def is_referral_to(self, name: str) -> bool:
        """Return whether the message is a referral for the given name."""
        return self.is_referral and self.has("NS", name, "authority")


def make_rrset(records: Iterable[Record]) -> dns.rrset.RRset | None:
    """Return well-formed records of one owner and type as a dnspython RRset, or None if there are none."""
    records = list(records)
    if not records:
        return None
    first = records[0]
    return dns.rrset.from_rdata_list(dns_name(first.owner), first.ttl, [record.rdata for record in records])


@lru_cache(maxsize=8192)
def dns_name(name: str) -> dns.name.Name:
    """Convert a canonical name to a dnspython name."""
    return dns.name.from_wire(names.to_wire(name), 0)[0]


def from_dns_name(name: dns.name.Name) -> str:
    """Convert a dnspython name to a canonical name."""
    return names.from_labels([label for label in name.labels if label])
