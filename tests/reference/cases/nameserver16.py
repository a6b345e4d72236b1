"""NAMESERVER16: the NSID of each server. RFC 5001."""

from __future__ import annotations

from typing import Final

import dns.rcode
from dns.rdatatype import SOA

from tests.reference.network import PAYLOAD, Question
from tests.reference.subject import Findings, Notes, Subject

NSID: Final = 3


def nameserver16(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "SOA")
    yield from tags
    notes = Notes()
    for address, names in servers:
        reply = subject.ask(address, Question(subject.zone, SOA, payload=PAYLOAD, options=((NSID, b""),)))
        if reply is None:
            notes.add("N16_NO_RESPONSE", names)
        elif not reply.is_noerror:
            notes.add("N16_UNEXPECTED_RCODE", names, rcode=dns.rcode.to_text(reply.rcode))
        elif value := next((readable(data) for data in reply.options(NSID)), ""):
            notes.add("N16_HAS_NSID", names, nsid=value)
        else:
            notes.add("N16_NO_NSID_REVEALED", names)
    yield from notes


def readable(data: bytes) -> str:
    """Return octets as text if all are printable, else in hexadecimal."""
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        return data.hex()
    return text if text.isprintable() else data.hex()
