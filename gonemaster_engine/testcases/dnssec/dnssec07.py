"""DNSSEC07: whether the zone is signed, and whether the parent has a DS record for it.

Specification: Zonemaster DNSSEC07. RFC 4034, RFC 4035 section 2.4, RFC 5155 section 8.9, RFC 6840 section 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gonemaster_engine.dnssec.records import DNSKEY, DS, ds_records, signatures
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import SUPPLIED, Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._no_delegation import proves_no_delegation
from gonemaster_engine.testcases.dnssec._shared import (
    SERVERS,
    ServerTally,
    child_servers,
    is_dnssec_answer,
    is_usable,
    parent_servers,
)
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NO_RESPONSE = Tag("DS07_NO_RESPONSE_DNSKEY", Level.WARNING, SERVERS)
NON_AUTH = Tag("DS07_NON_AUTH_RESPONSE_DNSKEY", Level.WARNING, SERVERS)
UNEXPECTED_RCODE = Tag("DS07_UNEXP_RCODE_RESP_DNSKEY", Level.WARNING, ("servers", "rcode"))
SIGNED_ON_SERVER = Tag("DS07_SIGNED_ON_SERVER", Level.INFO, SERVERS)
NOT_SIGNED_ON_SERVER = Tag("DS07_NOT_SIGNED_ON_SERVER", Level.WARNING, SERVERS)
INCONSISTENT_SIGNED = Tag("DS07_INCONSISTENT_SIGNED", Level.ERROR)
SIGNED = Tag("DS07_SIGNED", Level.INFO)
NOT_SIGNED = Tag("DS07_NOT_SIGNED", Level.WARNING)
NO_DS = Tag("DS07_NO_DS_ON_PARENT_SERVER", Level.WARNING, SERVERS)
HAS_DS = Tag("DS07_DS_ON_PARENT_SERVER", Level.INFO, SERVERS)
INCONSISTENT_DS = Tag("DS07_INCONSISTENT_DS", Level.ERROR)
NO_DS_FOR_SIGNED = Tag("DS07_NO_DS_FOR_SIGNED_ZONE", Level.WARNING)
DS_FOR_SIGNED = Tag("DS07_DS_FOR_SIGNED_ZONE", Level.INFO)
NO_DELEGATION = Tag("DS07_PARENT_PROVES_NO_DELEGATION", Level.ERROR, ("parent", "servers"))


@case(
    "dnssec07",
    NO_RESPONSE,
    NON_AUTH,
    UNEXPECTED_RCODE,
    SIGNED_ON_SERVER,
    NOT_SIGNED_ON_SERVER,
    INCONSISTENT_SIGNED,
    SIGNED,
    NOT_SIGNED,
    NO_DS,
    HAS_DS,
    INCONSISTENT_DS,
    NO_DS_FOR_SIGNED,
    DS_FOR_SIGNED,
    NO_DELEGATION,
    query_types=("SOA", "DNSKEY", "DS"),
)
async def dnssec07(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check whether the zone is signed and whether its parent zone has DS records for it."""
    zone_servers = await child_servers(zone)
    servers = usable(zone_servers)
    parents = await parent_servers(zone)
    pending = [server.query(zone.name, "DS", dnssec=True) for server in parents]  # sent before the zone is queried
    tally = await _query_zone(zone, servers)
    is_signed, is_unsigned = tally.has(SIGNED_ON_SERVER), tally.has(NOT_SIGNED_ON_SERVER)
    if is_signed:
        answers = [(server, await answer) for server, answer in zip(parents, pending, strict=True)]
        await _judge_parent(zone, answers, tally)
    return [
        *_signing(tally, is_signed=is_signed, is_unsigned=is_unsigned, queried=bool(servers) or not zone_servers),
        *_delegation(tally, is_consistently_signed=is_signed and not is_unsigned),
    ]


async def _query_zone(zone: Zone, servers: Sequence[Nameserver]) -> ServerTally:
    pending = [
        (server, server.query(zone.name, "SOA"), server.query(zone.name, "DNSKEY", dnssec=True)) for server in servers
    ]
    tally = ServerTally()
    for server, soa, keys in pending:
        soa_response, response = await soa, await keys
        if not is_usable(soa_response) or not soa_response.has("SOA"):
            continue
        if response is None:
            tally.add(NO_RESPONSE, server)
        elif not response.aa:
            tally.add(NON_AUTH, server)
        elif response.rcode_number:
            tally.add(UNEXPECTED_RCODE, server, rcode=response.rcode)
        else:
            # Decided by signatures, not by keys: a zone may publish keys before it is signed.
            is_signed = bool(signatures(response, DNSKEY, None))
            tally.add(SIGNED_ON_SERVER if is_signed else NOT_SIGNED_ON_SERVER, server)
    return tally


async def _judge_parent(zone: Zone, answers: Sequence[tuple[Nameserver, Response | None]], tally: ServerTally) -> None:
    if zone.supplied_ds:
        tally.add(HAS_DS, SUPPLIED)
    denials: list[tuple[Nameserver, Response]] = []
    for server, response in answers:
        if is_dnssec_answer(response):
            has_ds = bool(ds_records(response, zone.name)) and bool(signatures(response, DS, zone.name))
            tally.add(HAS_DS if has_ds else NO_DS, server)
        if response is not None and response.aa and not response.answer:
            denials.append((server, response))
    parent = await zone.parent_zone() if denials else None
    if parent is None:
        return
    for server in await proves_no_delegation(zone, parent.name, denials):
        tally.add(NO_DELEGATION, server, parent=parent.name)


def _signing(tally: ServerTally, *, is_signed: bool, is_unsigned: bool, queried: bool) -> Iterator[Finding]:
    if queried and not is_signed and not is_unsigned:
        yield NOT_SIGNED()
    yield from tally.findings(NO_RESPONSE, NON_AUTH, UNEXPECTED_RCODE, SIGNED_ON_SERVER, NOT_SIGNED_ON_SERVER)
    if is_signed:
        yield INCONSISTENT_SIGNED() if is_unsigned else SIGNED()
    elif is_unsigned:
        yield NOT_SIGNED()


def _delegation(tally: ServerTally, *, is_consistently_signed: bool) -> Iterator[Finding]:
    without, having = tally.has(NO_DS), tally.has(HAS_DS)
    yield from tally.findings(NO_DS, HAS_DS)
    if without and having:
        yield INCONSISTENT_DS()
    if is_consistently_signed and without != having:
        yield DS_FOR_SIGNED() if having else NO_DS_FOR_SIGNED()
    yield from tally.findings(NO_DELEGATION)
