"""DNSSEC11: if the parent has a DS record, the zone must be signed on all servers.

Specification: Zonemaster DNSSEC11. RFC 4033, RFC 4035 section 5.2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from gonemaster_engine.dnssec.records import DNSKEY, dnskeys, ds_records, signatures
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.testcases.dnssec._shared import ADDRESSES, ServerTally, is_usable, parent_servers
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

UNDETERMINED_DS = Tag("DS11_UNDETERMINED_DS", Level.ERROR)
NO_DS = Tag("DS11_NO_PARENT_DS", Level.INFO)
INCONSISTENT_DS = Tag("DS11_INCONSISTENT_DS", Level.WARNING)
WITHOUT_DS = Tag("DS11_PARENT_WITHOUT_DS", Level.NOTICE, ADDRESSES)
WITH_DS = Tag("DS11_PARENT_WITH_DS", Level.NOTICE, ADDRESSES)
UNDETERMINED_SIGNED = Tag("DS11_UNDETERMINED_SIGNED_ZONE", Level.ERROR)
UNSIGNED_ZONE = Tag("DS11_DS_BUT_UNSIGNED_ZONE", Level.ERROR)
INCONSISTENT_SIGNED = Tag("DS11_INCONSISTENT_SIGNED_ZONE", Level.ERROR)
UNSIGNED = Tag("DS11_NS_WITH_UNSIGNED_ZONE", Level.WARNING, ADDRESSES)
SIGNED = Tag("DS11_NS_WITH_SIGNED_ZONE", Level.NOTICE, ADDRESSES)
CONSISTENT_SIGNED = Tag("DS11_CONSISTENT_SIGNED", Level.INFO)


@case(
    "dnssec11",
    UNDETERMINED_DS,
    NO_DS,
    INCONSISTENT_DS,
    WITHOUT_DS,
    WITH_DS,
    UNDETERMINED_SIGNED,
    UNSIGNED_ZONE,
    INCONSISTENT_SIGNED,
    UNSIGNED,
    SIGNED,
    CONSISTENT_SIGNED,
    query_types=("SOA", "DNSKEY"),
)
async def dnssec11(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the zone is signed on all name servers if its parent zone has DS records for it."""
    tally = ServerTally()
    if not zone.supplied_ds:
        parents = await parent_servers(zone)
        await _query_parent(zone, parents, tally)
        for finding in _ds_state(tally):
            yield finding
        if not tally.has(WITH_DS):
            return
    servers = usable(await zone.all_servers())
    await _query_zone(zone, servers, tally)
    for finding in _signed_state(tally):
        yield finding


async def _query_parent(zone: Zone, parents: Sequence[Nameserver], tally: ServerTally) -> None:
    for server, response in await query_all(parents, zone.name, "DS", dnssec=True):
        await zone.wait_for_turn()
        if not is_usable(response):
            tally.add(UNDETERMINED_DS, server)
        else:
            tally.add(WITH_DS if ds_records(response, zone.name) else WITHOUT_DS, server)


def _ds_state(tally: ServerTally) -> Iterator[Finding]:
    if tally.has(WITHOUT_DS):
        if tally.has(WITH_DS):
            yield INCONSISTENT_DS()
            yield from tally.findings(WITHOUT_DS, WITH_DS)
        else:
            yield NO_DS()
    elif tally.has(UNDETERMINED_DS) and not tally.has(WITH_DS):
        yield UNDETERMINED_DS()


async def _query_zone(zone: Zone, servers: Sequence[Nameserver], tally: ServerTally) -> None:
    pending = [
        (server, server.query(zone.name, "SOA"), server.query(zone.name, "DNSKEY", dnssec=True)) for server in servers
    ]
    for server, soa, keys in pending:
        soa_response, response = await soa, await keys
        if not is_usable(soa_response) or not soa_response.has("SOA", zone.name):
            continue
        if not is_usable(response):
            tally.add(UNDETERMINED_SIGNED, server)
            continue
        is_signed = bool(dnskeys(response, zone.name)) and bool(signatures(response, DNSKEY, zone.name))
        tally.add(SIGNED if is_signed else UNSIGNED, server)


def _signed_state(tally: ServerTally) -> Iterator[Finding]:
    is_signed, is_unsigned = tally.has(SIGNED), tally.has(UNSIGNED)
    if is_signed and is_unsigned:
        yield INCONSISTENT_SIGNED()
        yield from tally.findings(UNSIGNED, SIGNED)
    elif is_unsigned:
        yield UNSIGNED_ZONE()
    elif tally.has(UNDETERMINED_SIGNED):
        if not is_signed:
            yield UNDETERMINED_SIGNED()
    elif is_signed:
        yield CONSISTENT_SIGNED()
