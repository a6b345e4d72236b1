"""ZONE12: CSYNC at the apex: one record, with a matching serial, the same on all name servers.

RFC 7477 sections 2.1 and 3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.messages import Record
from gonemaster_engine.net.wire.rrtypes import type_text
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.zone._addresses import AddressAnswer, all_servers, query_each_address, soa_serials
from gonemaster_engine.testcases.zone._serials import is_newer
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

FOUND = Tag("Z12_CSYNC_FOUND", Level.INFO, ("servers", "serial", "flags", "type_bitmap"))
INCONSISTENT = Tag("Z12_INCONSISTENT_CSYNC", Level.WARNING)
MIXED = Tag("Z12_MIXED_PRESENCE", Level.WARNING)
MULTIPLE = Tag("Z12_MULTIPLE_CSYNC", Level.WARNING, ("ns", "address", "count"))
NONE = Tag("Z12_NO_CSYNC", Level.INFO, ("servers",))
SERIAL_MISMATCH = Tag("Z12_SERIAL_MISMATCH", Level.WARNING, ("ns", "address", "csync_serial", "soa_serial"))

_SOAMINIMUM = 0x0002  # RFC 7477 section 2.1.1.2.1

_Csync = tuple[int, int, str]  # serial, flags, types


@case("zone12", FOUND, INCONSISTENT, MIXED, MULTIPLE, NONE, SERIAL_MISMATCH, query_types=("CSYNC",))
async def zone12(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that there is at most one CSYNC record, with a matching serial, the same on all name servers."""
    answered = await query_each_address(zone, "CSYNC", usable(await zone.all_servers()))
    answers = {}
    for answer in answered:
        await zone.wait_for_turn()
        if answer.is_usable and answer.response:
            answers[answer] = answer.response.records("CSYNC", zone.name)
    serials = await soa_serials(zone, [answer for answer, records in answers.items() if records])
    contents: dict[_Csync, list[AddressAnswer]] = defaultdict(list)
    for answer, records in answers.items():
        await zone.wait_for_turn()
        about = {"ns": answer.server.name, "address": answer.server.address}
        if len(records) > 1:
            yield MULTIPLE(**about, count=len(records))
        elif records:
            content = _content(records[0])
            contents[content].append(answer)
            serial = serials.get(answer)
            if serial is not None and not _meets_condition(content, serial):
                yield SERIAL_MISMATCH(**about, csync_serial=content[0], soa_serial=serial)
    for (serial, flags, types), having in sorted(contents.items()):
        yield FOUND(servers=all_servers(having), serial=serial, flags=flags, type_bitmap=types)
    without = [answer for answer, records in answers.items() if not records]
    if without:
        yield NONE(servers=all_servers(without))
    if without and len(without) < len(answers):
        yield MIXED()
    if len(contents) > 1:
        yield INCONSISTENT()


def _content(record: Record) -> _Csync:
    csync: Any = record.rdata
    numbers = [
        window * 256 + octet * 8 + bit
        for window, bitmap in csync.windows
        for octet, bits in enumerate(bitmap)
        for bit in range(8)
        if bits & 0x80 >> bit
    ]
    return csync.serial, csync.flags, ";".join(type_text(number) for number in sorted(numbers))


def _meets_condition(content: _Csync, soa_serial: int) -> bool:
    """Return whether the SOA serial allows the record to be processed."""
    serial, flags, _ = content
    return not is_newer(serial, soa_serial) if flags & _SOAMINIMUM else serial == soa_serial
