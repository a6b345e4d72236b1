"""NOTIFY messages about CDS records, and the answers to them. Source: RFC 1996, RFC 9859 section 4."""

from dataclasses import dataclass

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain

MAX_OCTETS = 1024  # a NOTIFY has a question and at most a few records
_HEADER_OCTETS = 12
_QR = 0x80
_OPCODE, _OPCODE_SHIFT = 0x78, 3


@dataclass(frozen=True, slots=True)
class Notification:
    """A message that needs an answer: about which domain, or why it is refused."""

    header: bytes  # of the message
    domain: str | None
    rcode: dns.rcode.Rcode
    query: dns.message.Message | None = None  # None if the message is malformed or of another kind

    def answer(self, rcode: dns.rcode.Rcode | None = None) -> bytes:
        """Return the answer with this RCODE, by default the one that reading has found."""
        if self.query is None:  # only the header can be trusted
            return self.header[:2] + bytes([_QR | self.header[2] & _OPCODE, self.rcode]) + bytes(8)
        response = dns.message.make_response(self.query)
        response.flags |= dns.flags.AA
        response.set_rcode(self.rcode if rcode is None else rcode)
        return response.to_wire()


def read_notification(octets: bytes) -> Notification | None:
    """Read a message; None if it deserves no answer, because it is too short or an answer itself."""
    if len(octets) < _HEADER_OCTETS or octets[2] & _QR:
        return None
    header = octets[:_HEADER_OCTETS]
    if (header[2] & _OPCODE) >> _OPCODE_SHIFT != dns.opcode.NOTIFY:
        return Notification(header, None, dns.rcode.NOTIMP)
    if len(octets) > MAX_OCTETS:
        return Notification(header, None, dns.rcode.FORMERR)
    try:
        query = dns.message.from_wire(octets)
        (question,) = query.question
    except Exception:  # noqa: BLE001 - a hostile message: dnspython may raise any exception
        return Notification(header, None, dns.rcode.FORMERR)
    if question.rdtype != dns.rdatatype.CDS or question.rdclass != dns.rdataclass.IN:
        return Notification(header, None, dns.rcode.REFUSED, query)
    try:
        return Notification(header, normalize_domain(question.name.to_text()), dns.rcode.NOERROR, query)
    except InvalidDomain:
        return Notification(header, None, dns.rcode.REFUSED, query)
