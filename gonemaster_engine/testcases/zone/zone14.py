"""ZONE14: ZONEMD at the apex: valid, current, the same on all name servers. The digest is not computed.

RFC 8976 sections 2.2 and 4.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rrtypes import IN, type_number
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.zone._addresses import AddressAnswer, all_servers, query_each_address, soa_serials
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

DUPLICATE = Tag("Z14_DUPLICATE_SCHEME_HASH", Level.WARNING, ("ns", "address", "scheme", "hash"))
INCONSISTENT = Tag("Z14_INCONSISTENT_ZONEMD", Level.WARNING)
MIXED = Tag("Z14_MIXED_PRESENCE", Level.WARNING)
NONE = Tag("Z14_NO_ZONEMD", Level.INFO, ("servers",))
SERIAL_MISMATCH = Tag("Z14_SERIAL_MISMATCH", Level.WARNING, ("ns", "address", "zonemd_serial", "soa_serial"))
UNSUPPORTED_HASH = Tag("Z14_UNSUPPORTED_HASH", Level.NOTICE, ("ns", "address", "hash"))
FOUND = Tag("Z14_ZONEMD_FOUND", Level.INFO, ("servers", "serial", "scheme", "hash", "digest"))

SUPPORTED_HASHES = frozenset({1, 2})  # SHA-384 and SHA-512
_FIXED_OCTETS = 6  # octets before the digest


class _Zonemd(NamedTuple):
    serial: int
    scheme: int
    hash: int
    digest: str  # hexadecimal digits


@case(
    "zone14",
    DUPLICATE,
    INCONSISTENT,
    MIXED,
    NONE,
    SERIAL_MISMATCH,
    UNSUPPORTED_HASH,
    FOUND,
    query_types=("ZONEMD",),
)
async def zone14(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the ZONEMD records are valid, match the SOA serial and are the same on all name servers."""
    answered = await query_each_address(zone, "ZONEMD", usable(await zone.all_servers()))
    answers = {}
    for answer in answered:
        await zone.wait_for_turn()
        if answer.is_usable and answer.response:
            answers[answer] = _records(answer.response, zone.name)
    serials = await soa_serials(zone, [answer for answer, records in answers.items() if records])
    having: dict[_Zonemd, list[AddressAnswer]] = defaultdict(list)
    for answer, records in answers.items():
        await zone.wait_for_turn()
        for finding in _faults(answer, records, serials.get(answer)):
            yield finding
        for record in set(records):
            having[record].append(answer)
    for record, holders in sorted(having.items()):
        yield FOUND(servers=all_servers(holders), **record._asdict())
    without = [answer for answer, records in answers.items() if not records]
    if without:
        yield NONE(servers=all_servers(without))
    if without and having:
        yield MIXED()
    if len({tuple(records) for records in answers.values() if records}) > 1:
        yield INCONSISTENT()


def _records(response: Response, owner: str) -> list[_Zonemd]:
    """Return the records of an answer, sorted; parsed here, because dnspython rejects unknown hashes."""
    number = type_number("ZONEMD")
    return sorted(
        _Zonemd(int.from_bytes(octets[:4]), octets[4], octets[5], octets[_FIXED_OCTETS:].hex())
        for octets in (
            record.octets
            for record in response.answer
            if record.type == number and record.owner == owner and record.rdclass == IN
        )
        if len(octets) > _FIXED_OCTETS
    )


def _faults(answer: AddressAnswer, records: list[_Zonemd], soa_serial: int | None) -> Iterator[Finding]:
    about = {"ns": answer.server.name, "address": answer.server.address}
    pairs = Counter((record.scheme, record.hash) for record in records)
    for (scheme, hash_number), count in sorted(pairs.items()):
        if count > 1:
            yield DUPLICATE(**about, scheme=scheme, hash=hash_number)
    for hash_number in sorted({record.hash for record in records} - SUPPORTED_HASHES):
        yield UNSUPPORTED_HASH(**about, hash=hash_number)
    for serial in sorted({record.serial for record in records}):
        if soa_serial is not None and serial != soa_serial:
            yield SERIAL_MISMATCH(**about, zonemd_serial=serial, soa_serial=soa_serial)
