"""DNSSEC24: the signals for bootstrapping a signed zone without DS records.

RFC 9615 sections 3 and 4, RFC 8078, RFC 7344, RFC 4035 section 5, RFC 1035 section 3.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

from gonemaster_engine import names
from gonemaster_engine.dnssec.chain import Trust, validate_set
from gonemaster_engine.dnssec.records import CDNSKEY, CDS, Dnskey, Ds, cdnskeys, cds_records, ds_records, rrset
from gonemaster_engine.entries import Level
from gonemaster_engine.errors import WireError
from gonemaster_engine.findings.tags import SUPPLIED, Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rrtypes import type_text
from gonemaster_engine.testcases.dnssec._shared import SERVERS, is_usable, parent_servers, query_each_type
from gonemaster_engine.testcases.dnssec._signal_zones import PathZone, SearchEnd, SignalPath, SignalSearch, ZoneFault
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_SIGNAL = ("ns", "query_name")
SECURE = Tag("DS24_DELEGATION_SECURE", Level.INFO, SERVERS)
NO_RECORDS = Tag("DS24_NO_CDS_CDNSKEY", Level.INFO)
DELETE = Tag("DS24_DELETE_REQUESTED", Level.INFO)
APEX_UNAVAILABLE = Tag("DS24_APEX_UNAVAILABLE", Level.WARNING, SERVERS)
ONLY_IN_DOMAIN = Tag("DS24_ONLY_IN_DOMAIN_NS", Level.NOTICE, SERVERS)
TOO_LONG = Tag("DS24_SIGNAL_NAME_TOO_LONG", Level.NOTICE, _SIGNAL)
AT_CUT = Tag("DS24_SIGNAL_AT_ZONE_CUT", Level.WARNING, _SIGNAL)
UNREACHABLE = Tag("DS24_SIGNAL_ZONE_UNREACHABLE", Level.WARNING, ("ns", "zone", "servers"))
INSECURE = Tag("DS24_SIGNAL_ZONE_INSECURE", Level.WARNING, ("ns", "zone"))
BROKEN = Tag("DS24_SIGNAL_CHAIN_BROKEN", Level.WARNING, ("ns", "zone"))
UNSIGNED = Tag("DS24_SIGNAL_UNSIGNED", Level.WARNING, ("ns", "query_name", "query_type", "zone"))
MISMATCH = Tag("DS24_SIGNAL_MISMATCH", Level.WARNING, ("ns", "query_name", "query_type"))
VALIDATED = Tag("DS24_SIGNAL_VALIDATED", Level.INFO, ("ns", "query_name", "zone"))
MISSING = Tag("DS24_SIGNAL_MISSING", Level.WARNING, _SIGNAL)
NO_SIGNAL = Tag("DS24_NO_SIGNAL", Level.NOTICE, SERVERS)
READY = Tag("DS24_BOOTSTRAP_READY", Level.INFO)

_TYPES = (CDS, CDNSKEY)


@dataclass(slots=True)
class _Apex:
    """The CDS and CDNSKEY sets at the apex on the servers of the delegation."""

    sets: dict[int, set[tuple[bytes, ...]]] = field(default_factory=lambda: {rtype: set() for rtype in _TYPES})
    is_delete_only: bool = True
    unavailable: set[Nameserver] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether no server has a record of either type."""
        return not any(any(found) for found in self.sets.values())


@case(
    "dnssec24",
    SECURE,
    NO_RECORDS,
    DELETE,
    APEX_UNAVAILABLE,
    ONLY_IN_DOMAIN,
    TOO_LONG,
    AT_CUT,
    UNREACHABLE,
    INSECURE,
    BROKEN,
    UNSIGNED,
    MISMATCH,
    VALIDATED,
    MISSING,
    NO_SIGNAL,
    READY,
    query_types=("CDS", "CDNSKEY"),
)
async def dnssec24(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Validate the bootstrapping signals of a zone that has no DS records yet."""
    parents = await parent_servers(zone)
    having = [SUPPLIED] if zone.supplied_ds else await _with_ds(zone, parents)
    if having:
        yield SECURE(servers=having)
        return
    servers = usable(await zone.glue())
    apex = await _read_apex(zone, servers)
    if apex.is_empty or apex.is_delete_only:
        yield NO_RECORDS() if apex.is_empty else DELETE()
        return
    if apex.unavailable:
        yield APEX_UNAVAILABLE(servers=apex.unavailable)
    delegated = await zone.glue_names()
    hosts = [name for name in delegated if not names.is_in_domain(name, zone.name)]
    if not hosts:
        yield ONLY_IN_DOMAIN(servers=delegated)
        return
    search = _HostSignals(zone, apex)
    for host in sorted(hosts):
        for finding in await search.examine(host):
            yield finding
    for finding in search.conclude(len(hosts)):
        yield finding


async def _with_ds(zone: Zone, parents: Sequence[Nameserver]) -> list[Nameserver]:
    responses = await query_all(parents, zone.name, "DS", dnssec=True)
    return [server for server, response in responses if is_usable(response) and ds_records(response, zone.name)]


async def _read_apex(zone: Zone, servers: Sequence[Nameserver]) -> _Apex:
    apex = _Apex()
    for server, responses in await query_each_type(servers, zone.name, "CDS", "CDNSKEY"):
        await zone.wait_for_turn()
        for rtype, response in zip(_TYPES, responses, strict=True):
            if not is_usable(response):
                apex.unavailable.add(server)
                continue
            apex.sets[rtype].add(rrset(response, rtype, zone.name).rdatas)
            if not _is_delete_only(zone, response):
                apex.is_delete_only = False
    return apex


def _is_delete_only(zone: Zone, response: Response) -> bool:
    records: list[Ds | Dnskey] = [*cds_records(response, zone.name), *cdnskeys(response, zone.name)]
    return all(record.is_delete for record in records)


class _HostSignals:
    """Searches for the signal of each host, and collects the results."""

    def __init__(self, zone: Zone, apex: _Apex) -> None:
        self._zone = zone
        self._apex = apex
        self._path = SignalPath(zone)
        self._absent: list[tuple[str, str]] = []
        self._has_signal = False
        self._validated = 0

    async def examine(self, host: str) -> list[Finding]:
        """Return the findings about the signal of one name server."""
        name = names.prepend("_dsboot", names.prepend(f"{self._zone.name}._signal", host))
        if not _fits(name):
            return [TOO_LONG(ns=host, query_name=name)]
        found = await self._path.search(name)
        if found.ending is SearchEnd.AT_CUT:
            return [AT_CUT(ns=host, query_name=name)]
        if found.ending is SearchEnd.UNREACHABLE:
            return [UNREACHABLE(ns=host, zone=found.at.name, servers=found.at.queried)]
        if found.ending is SearchEnd.ABSENT:
            self._absent.append((host, name))
            return []
        self._has_signal = True
        return await self._judge(host, name, found)

    async def _judge(self, host: str, name: str, found: SignalSearch) -> list[Finding]:
        signing = found.at
        signer = found.signer
        if signer == name:
            return [AT_CUT(ns=host, query_name=name)]
        if signer is not None and names.is_below(signer, found.at.name) and names.is_below(name, signer):
            signing = await self._path.reach(signer, found.at)
            if signing.name != signer:
                return [UNREACHABLE(ns=host, zone=signing.name, servers=signing.queried)]
        fault = await self._path.validate(signing)
        if fault:
            return list(_fault_findings(host, *fault))
        return [finding async for finding in self._judge_sets(host, name, found, signing)]

    async def _judge_sets(self, host: str, name: str, found: SignalSearch, signing: PathZone) -> AsyncIterator[Finding]:
        keys = [] if signing.keys is None or isinstance(signing.keys, ZoneFault) else signing.keys
        is_good = True
        for rtype in _TYPES:
            of, signed_set = {"ns": host, "query_name": name, "query_type": type_text(rtype)}, found.sets[rtype]
            if signed_set.records.rdatas:
                verifier, now = self._zone.verifier, self._zone.now
                trust = await validate_set(
                    verifier, signed_set.records, signed_set.rrsigs, keys, zone=signing.name, now=now
                )
                if trust is Trust.OPEN:
                    is_good = False
                    continue
                if trust is Trust.BROKEN:
                    is_good = False
                    yield UNSIGNED(**of, zone=signing.name)
                    continue
            if any(published != signed_set.records.rdatas for published in self._apex.sets[rtype]):
                is_good = False
                yield MISMATCH(**of)
        if is_good:
            self._validated += 1
            yield VALIDATED(ns=host, query_name=name, zone=signing.name)

    def conclude(self, hosts: int) -> Iterator[Finding]:
        """Yield the findings about all signals together."""
        if self._has_signal:
            for host, name in self._absent:
                yield MISSING(ns=host, query_name=name)
        elif self._absent:
            yield NO_SIGNAL(servers=[host for host, _ in self._absent])
        if self._validated == hosts and not self._apex.unavailable:
            yield READY()


def _fits(name: str) -> bool:
    try:
        names.to_wire(name)
    except WireError:
        return False
    return True


def _fault_findings(host: str, zone: PathZone, fault: ZoneFault) -> Iterator[Finding]:
    if fault is ZoneFault.INSECURE:
        yield INSECURE(ns=host, zone=zone.name)
    elif fault is ZoneFault.BROKEN:
        yield BROKEN(ns=host, zone=zone.name)
    elif fault is ZoneFault.UNREACHABLE:
        yield UNREACHABLE(ns=host, zone=zone.name, servers=zone.queried)
