"""Responses as octets and as dnspython messages; records that dnspython rejects are stored as octets."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
import dns.wire
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType


@dataclass(frozen=True)
class Reply:
    """One response: the message, its octets and its transport."""

    message: dns.message.Message
    wire: bytes
    transport: str

    @property
    def size(self) -> int:
        return len(self.wire)

    @property
    def rcode(self) -> dns.rcode.Rcode:
        return self.message.rcode()

    @property
    def is_noerror(self) -> bool:
        return self.rcode == dns.rcode.NOERROR

    @property
    def aa(self) -> bool:
        return bool(self.message.flags & dns.flags.AA)

    @property
    def tc(self) -> bool:
        return bool(self.message.flags & dns.flags.TC)

    @property
    def usable(self) -> bool:
        return self.is_noerror and self.aa

    @property
    def is_nxdomain(self) -> bool:
        return self.rcode == dns.rcode.NXDOMAIN

    @property
    def answer(self) -> list[dns.rrset.RRset]:
        return self.message.answer

    @property
    def authority(self) -> list[dns.rrset.RRset]:
        return self.message.authority

    @property
    def additional(self) -> list[dns.rrset.RRset]:
        return self.message.additional

    @property
    def is_referral(self) -> bool:
        return not self.aa and self.is_noerror and not self.answer and self.cut is not None

    @property
    def cut(self) -> dns.name.Name | None:
        """The owner of the NS records in the authority section."""
        return next((rrset.name for rrset in self.authority if rrset.rdtype == dns.rdatatype.NS), None)

    def options(self, number: int) -> list[bytes]:
        """Return the data of the EDNS options with this number, as received."""
        found: list[bytes] = []
        for rdtype, data in _opt_data(self.wire):
            parser = dns.wire.Parser(data)
            while rdtype == dns.rdatatype.OPT and parser.remaining() >= 4:
                code, length = parser.get_struct("!HH")
                value = parser.get_bytes(min(length, parser.remaining()))
                found += [value] if code == number else []
        return found


def _opt_data(wire: bytes) -> list[tuple[int, bytes]]:
    try:
        return [(rdtype, wire[at : at + length]) for _, _, rdtype, _, _, at, length in _records(wire)]
    except dns.exception.DNSException:
        return []


_Record = tuple[int, dns.name.Name, int, int, int, int, int]


def _records(wire: bytes) -> list[_Record]:
    """Return section, owner, type, class, TTL, position and length of the data of each record."""
    parser = dns.wire.Parser(wire, 4)
    questions, *counts = parser.get_struct("!HHHH")
    for _ in range(questions):
        parser.get_name(decompress=True)
        parser.get_struct("!HH")
    found = []
    for section, count in enumerate(counts, start=1):
        for _ in range(count):
            owner = parser.get_name(decompress=True)
            rdtype, rdclass, ttl, length = parser.get_struct("!HHIH")
            found.append((section, owner, rdtype, rdclass, ttl, parser.current, length))
            parser.get_bytes(length)
    return found


def read_reply(wire: bytes, transport: str) -> Reply | None:
    """Parse a response; None if it is malformed."""
    with contextlib.suppress(dns.exception.DNSException, ValueError):
        return Reply(dns.message.from_wire(wire), wire, transport)
    try:
        message = dns.message.from_wire(wire, continue_on_error=True)
        _fill(message, wire)
    except (dns.exception.DNSException, ValueError):
        return None
    return Reply(message, wire, transport)


def _fill(message: dns.message.Message, wire: bytes) -> None:
    message.index = {}  # it would find the RRsets that were just removed
    for section in message.sections[1:]:
        section.clear()
    for number, owner, rdtype, rdclass, ttl, at, length in _records(wire):
        if rdtype == dns.rdatatype.OPT:
            continue
        rdata: dns.rdata.Rdata
        try:
            rdata = dns.rdata.from_wire(RdataClass.make(rdclass), RdataType.make(rdtype), wire, at, length)
        except (dns.exception.DNSException, ValueError):
            data = wire[at : at + length]
            rdata = dns.rdata.GenericRdata(RdataClass.make(rdclass), RdataType.make(rdtype), data)
        covers = getattr(rdata, "type_covered", dns.rdatatype.NONE)
        rrset = message.find_rrset(
            message.sections[number], owner, rdata.rdclass, rdata.rdtype, covers=covers, create=True
        )
        rrset.add(rdata, ttl)


def records(section: list[dns.rrset.RRset], owner: dns.name.Name, rdtype: RdataType) -> list[dns.rdata.Rdata]:
    """Return the records of an owner and a type in a section."""
    return [rdata for rrset in section if rrset.name == owner and rrset.rdtype == rdtype for rdata in rrset]


def escaped(octets: bytes) -> str:
    r"""Format octets as text: the backslash and all octets other than visible ASCII become \DDD (RFC 1035 section
    5.1)."""
    return "".join(chr(one) if 0x20 <= one < 0x7F and one != 0x5C else f"\\{one:03d}" for one in octets)
