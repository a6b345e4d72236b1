"""ZONE12: the CSYNC record at the apex. RFC 7477."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import dns.rdata
import dns.rdatatype
from dns.rdatatype import CSYNC, SOA

from tests.reference.messages import records
from tests.reference.network import plain
from tests.reference.subject import Findings, Server, Subject, grouped, listed

SOAMINIMUM: Final = 2
HALF: Final = 1 << 31


@dataclass(frozen=True, order=True)
class Content:
    serial: int
    flags: int
    types: str


def zone12(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "CSYNC")
    yield from tags
    pairs: list[tuple[Content | None, Server]] = []
    has_several = False
    for address, names in servers:
        reply = subject.ask(address, plain(subject.zone, CSYNC))
        if reply is None or not reply.usable:
            continue
        found = [content_of(rdata) for rdata in records(reply.answer, subject.zone, CSYNC)]
        about = {"ns": names[0].ns, "address": address}
        if len(found) > 1:
            yield "Z12_MULTIPLE_CSYNC", {**about, "count": len(found)}
            has_several = True
            continue
        pairs += [(found[0] if found else None, server) for server in names]
        serial = serial_at(subject, address)
        if found and serial is not None and is_mismatch(found[0], serial):
            yield "Z12_SERIAL_MISMATCH", {**about, "csync_serial": found[0].serial, "soa_serial": serial}
    yield from _compared(grouped(pairs), has_several=has_several)


def _compared(groups: dict[Content | None, list[Server]], *, has_several: bool) -> Findings:
    contents = [content for content in groups if content is not None]
    for content in contents:
        arguments = {"serial": content.serial, "flags": content.flags, "type_bitmap": content.types}
        yield "Z12_CSYNC_FOUND", {"servers": listed(groups[content]), **arguments}
    if None in groups:
        yield "Z12_NO_CSYNC", {"servers": listed(groups[None])}
        if contents or has_several:
            yield "Z12_MIXED_PRESENCE", {}
    if len(contents) > 1:
        yield "Z12_INCONSISTENT_CSYNC", {}


def content_of(rdata: dns.rdata.Rdata) -> Content:
    serial, flags = rdata.serial, rdata.flags  # type: ignore[attr-defined]
    types = [
        dns.rdatatype.to_text(dns.rdatatype.RdataType.make(window * 256 + octet * 8 + bit))
        for window, bitmap in rdata.windows  # type: ignore[attr-defined]
        for octet, bits in enumerate(bitmap)
        for bit in range(8)
        if bits & (0x80 >> bit)
    ]
    return Content(serial, flags, ";".join(types))


def is_mismatch(content: Content, serial: int) -> bool:
    if content.flags & SOAMINIMUM:
        return 0 < (content.serial - serial) % (1 << 32) < HALF  # RFC 1982 section 3.2
    return content.serial != serial


def serial_at(subject: Subject, address: str) -> int | None:
    """Return the serial number of a server, if it publishes one."""
    reply = subject.ask(address, plain(subject.zone, SOA))
    found = records(reply.answer, subject.zone, SOA) if reply is not None and reply.usable else []
    return found[0].serial if found else None  # type: ignore[attr-defined]
