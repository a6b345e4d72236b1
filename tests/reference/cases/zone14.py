"""ZONE14: ZONEMD records at the apex. RFC 8976."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import dns.rdata
from dns.rdatatype import ZONEMD

from tests.reference.cases.zone12 import serial_at
from tests.reference.messages import records
from tests.reference.network import plain
from tests.reference.subject import Findings, Server, Subject, grouped, listed

KNOWN_HASHES: Final = (1, 2)
FIXED_OCTETS: Final = 6


@dataclass(frozen=True, order=True)
class Digest:
    serial: int
    scheme: int
    hash: int
    digest: str


def zone14(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "ZONEMD")
    yield from tags
    pairs: list[tuple[tuple[Digest, ...], Server]] = []
    for address, names in servers:
        reply = subject.ask(address, plain(subject.zone, ZONEMD))
        if reply is None or not reply.usable:
            continue
        read = [digest_of(rdata) for rdata in records(reply.answer, subject.zone, ZONEMD)]
        found = sorted(digest for digest in read if digest is not None)
        pairs += [(tuple(found), server) for server in names]
        for tag, arguments in _at_one(found, serial_at(subject, address)):
            yield tag, {"ns": names[0].ns, "address": address, **arguments}
    yield from _compared(pairs)


def _at_one(found: list[Digest], serial: int | None) -> list[tuple[str, dict[str, Any]]]:
    counted = Counter((digest.scheme, digest.hash) for digest in found)
    reported: list[tuple[str, dict[str, Any]]] = [
        ("Z14_DUPLICATE_SCHEME_HASH", {"scheme": scheme, "hash": kind})
        for (scheme, kind), count in counted.items()
        if count > 1
    ]
    reported += [("Z14_UNSUPPORTED_HASH", {"hash": kind}) for kind in {one.hash for one in found} - {*KNOWN_HASHES}]
    if serial is not None:
        wrong = {digest.serial for digest in found if digest.serial != serial}
        reported += [("Z14_SERIAL_MISMATCH", {"zonemd_serial": one, "soa_serial": serial}) for one in wrong]
    return reported


def _compared(pairs: list[tuple[tuple[Digest, ...], Server]]) -> Findings:
    by_digest = grouped((digest, server) for found, server in pairs for digest in found)
    for digest, servers in by_digest.items():
        arguments = {"serial": digest.serial, "scheme": digest.scheme, "hash": digest.hash, "digest": digest.digest}
        yield "Z14_ZONEMD_FOUND", {"servers": listed(servers), **arguments}
    bare = [server for found, server in pairs if not found]
    if bare:
        yield "Z14_NO_ZONEMD", {"servers": listed(bare)}
        if by_digest:
            yield "Z14_MIXED_PRESENCE", {}
    if len({found for found, _ in pairs if found}) > 1:
        yield "Z14_INCONSISTENT_ZONEMD", {}


def digest_of(rdata: dns.rdata.Rdata) -> Digest | None:
    """Parse the octets; None if they do not contain a digest."""
    data = rdata.to_wire()
    if data is None or len(data) <= FIXED_OCTETS:
        return None
    return Digest(int.from_bytes(data[:4]), data[4], data[5], data[6:].hex())
