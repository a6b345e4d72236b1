"""DNSSEC15: the presence and consistency of CDS and CDNSKEY records.

Specification: Zonemaster DNSSEC15. RFC 7344, RFC 8078, RFC 9975, RFC 10026.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from gonemaster_engine.dnssec.algorithms import MUST_DIGEST_TYPES
from gonemaster_engine.dnssec.records import Dnskey, Ds, cdnskeys, cds_records
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._shared import ADDRESSES, ServerTally, is_usable, query_each_type
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NONE = Tag("DS15_NO_CDS_CDNSKEY", Level.INFO)
ONLY_CDS = Tag("DS15_HAS_CDS_NO_CDNSKEY", Level.NOTICE, ADDRESSES)
ONLY_CDNSKEY = Tag("DS15_HAS_CDNSKEY_NO_CDS", Level.NOTICE, ADDRESSES)
BOTH = Tag("DS15_HAS_CDS_AND_CDNSKEY", Level.INFO, ADDRESSES)
NON_MUST_DIGEST = Tag("DS15_CDS_NON_MUST_DIGEST", Level.NOTICE, ADDRESSES)
INCONSISTENT_CDS = Tag("DS15_INCONSISTENT_CDS", Level.ERROR)
INCONSISTENT_CDNSKEY = Tag("DS15_INCONSISTENT_CDNSKEY", Level.ERROR)
MISMATCH = Tag("DS15_MISMATCH_CDS_CDNSKEY", Level.ERROR, ADDRESSES)


class _ServerRecords(NamedTuple):
    """The records of one server; None without a usable answer."""

    server: Nameserver
    cds: list[Ds] | None
    cdnskey: list[Dnskey] | None


@case(
    "dnssec15",
    NONE,
    ONLY_CDS,
    ONLY_CDNSKEY,
    BOTH,
    NON_MUST_DIGEST,
    INCONSISTENT_CDS,
    INCONSISTENT_CDNSKEY,
    MISMATCH,
    query_types=("CDS", "CDNSKEY"),
)
async def dnssec15(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the CDS and CDNSKEY records agree with each other and on all name servers."""
    servers = usable(await zone.all_servers())
    published = [
        _read(zone, server, cds, cdnskey)
        for server, (cds, cdnskey) in await query_each_type(servers, zone.name, "CDS", "CDNSKEY")
    ]
    if not any(server_sets.cds or server_sets.cdnskey for server_sets in published):
        yield NONE()
        return
    for finding in _judge(published):
        yield finding


def _read(zone: Zone, server: Nameserver, cds: Response | None, cdnskey: Response | None) -> _ServerRecords:
    return _ServerRecords(
        server,
        cds_records(cds, zone.name) if is_usable(cds) else None,
        cdnskeys(cdnskey, zone.name) if is_usable(cdnskey) else None,
    )


def _judge(published: list[_ServerRecords]) -> Iterator[Finding]:
    tally = ServerTally()
    for server_sets in published:
        if server_sets.cds is not None and server_sets.cdnskey is not None:
            _compare(tally, server_sets.server, server_sets.cds, server_sets.cdnskey)
        if any(not _has_must_digest(ds) for ds in server_sets.cds or ()):
            tally.add(NON_MUST_DIGEST, server_sets.server)
    yield from tally.findings(ONLY_CDS, ONLY_CDNSKEY, BOTH, NON_MUST_DIGEST)
    cds_sets = {_comparable(server_sets.cds) for server_sets in published if server_sets.cds is not None}
    if len(cds_sets) > 1:
        yield INCONSISTENT_CDS()
    if (
        len(
            {
                frozenset(key.rdata for key in server_sets.cdnskey)
                for server_sets in published
                if server_sets.cdnskey is not None
            }
        )
        > 1
    ):
        yield INCONSISTENT_CDNSKEY()
    yield from tally.findings(MISMATCH)


def _comparable(cds: list[Ds]) -> frozenset[bytes]:
    return frozenset(ds.rdata for ds in cds if _has_must_digest(ds))


def _has_must_digest(ds: Ds) -> bool:
    return ds.is_delete or ds.digest_type in MUST_DIGEST_TYPES


def _compare(tally: ServerTally, server: Nameserver, cds: list[Ds], cdnskey: list[Dnskey]) -> None:
    if cds and cdnskey:
        tally.add(BOTH, server)
        if {_partner(record) for record in cds} != {_partner(record) for record in cdnskey}:
            tally.add(MISMATCH, server)
    elif cds:
        tally.add(ONLY_CDS, server)
    elif cdnskey:
        tally.add(ONLY_CDNSKEY, server)


def _partner(record: Ds | Dnskey) -> tuple[int, int]:
    """Return the fields that a CDS and a CDNSKEY for one key share; all deletion requests are equal."""
    return (0, 0) if record.is_delete else (record.tag, record.algorithm)
