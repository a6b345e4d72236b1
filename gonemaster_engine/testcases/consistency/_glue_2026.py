"""CONSISTENCY05 as Zonemaster 2026.1 specifies it.

Servers that do not respond, or not correctly, are ignored: connectivity01 reports them. A name with different glue has
one finding, which lists all addresses on both sides. Glue for names outside the zone must equal the resolved addresses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.resolver.recursor import is_conclusive
from gonemaster_engine.testcases._referrals import delegated_names, glue_addresses
from gonemaster_engine.testcases.basic import is_working
from gonemaster_engine.testcases.consistency._glue import (
    TYPES,
    ChildData,
    delegated_glue,
    endpoints,
    family_of,
    query_child,
    usable_servers,
)
from gonemaster_engine.testcases.consistency._shared import grouped
from gonemaster_engine.zone.zone import Zone

_BOTH_SIDES = ("ns", "parent_servers", "zone_servers")
LAME = Tag("CS05_CHILD_ZONE_LAME", Level.CRITICAL, ("servers",), claims_all=True)
DELEGATION = Tag("CS05_DELEGATION", Level.INFO, ("ns_set_servers", "servers"))
EXTRA = Tag("CS05_EXTRA_ADDR_CHILD", Level.NOTICE, ("servers",))
INCONSISTENT = Tag("CS05_INCONSISTENT_DELEGATION", Level.WARNING, ("count", "ns_names"))
MISMATCH = Tag("CS05_ID_ADDR_MISMATCH", Level.ERROR, _BOTH_SIDES)
MISSING = Tag("CS05_ID_ADDR_MISSING", Level.NOTICE, ("ns",))
NO_GLUE = Tag("CS05_MISSING_GLUE_FOR_NS", Level.WARNING, ("ns", "servers"))
NO_GLUE_SUPPLIED = Tag("CS05_MISSING_GLUE_FOR_NS_UNDEL", Level.WARNING, ("ns",))
NO_GLUE_ROOT = Tag("CS05_MISSING_GLUE_FOR_ROOT_NS", Level.WARNING, ("ns",))
MATCH = Tag("CS05_NO_MISMATCH_GLUE_ZONE", Level.INFO)
NO_ADDRESS = Tag("CS05_NO_NS_ADDR_CHILD", Level.CRITICAL)
OTHER_MISMATCH = Tag("CS05_OOD_ADDR_MISMATCH", Level.WARNING, _BOTH_SIDES)
TAGS = (
    LAME,
    DELEGATION,
    EXTRA,
    INCONSISTENT,
    MISMATCH,
    MISSING,
    NO_GLUE,
    NO_GLUE_SUPPLIED,
    NO_GLUE_ROOT,
    MATCH,
    NO_ADDRESS,
    OTHER_MISMATCH,
)

_Referrals = list[tuple[Nameserver | None, Response]]


async def compare(zone: Zone, from_parents: _Referrals) -> AsyncIterator[Finding]:
    """Compare glue with the zone, and the delegations of the parent's name servers with each other."""
    for finding in _delegations(zone, from_parents):
        yield finding
    without_glue = list(_without_glue(zone, from_parents))
    for finding in without_glue:
        yield finding
    servers = await usable_servers(zone)
    answers = await query_all(servers, zone.name, "SOA")
    working = [server for server, response in answers if is_working(zone.name, response)]
    if not working:
        if servers:
            yield LAME(servers=servers)
        elif not await _may_have_addresses(zone):
            yield NO_ADDRESS()
        return
    glue = delegated_glue(zone, (response for _, response in from_parents))
    compared = [name for name in glue if names.is_in_domain(name, zone.name)]
    child = await query_child(zone, working, compared)
    faults = [*_compare(glue, child, compared), *await _compare_outside(zone, glue)]
    for finding in faults:
        yield finding
    if not faults and not without_glue and (child.settled or not compared):
        yield MATCH()


def _delegations(zone: Zone, from_parents: _Referrals) -> Iterator[Finding]:
    """Yield each delegation with its glue, if the parent's name servers return different ones."""
    found = grouped((tuple(_pairs(zone, response)), server) for server, response in from_parents if server)
    for pairs, servers in found if len(found) > 1 else ():
        items = [{"ns": name, "address": address} if address else {"ns": name} for name, address in pairs]
        yield DELEGATION(ns_set_servers=items, servers=servers)


def _pairs(zone: Zone, response: Response) -> Iterator[tuple[str, str]]:
    for name in delegated_names(zone, response):
        addresses = glue_addresses(response, name)
        yield from ((name, address) for address in sorted(addresses or {""}))


def _without_glue(zone: Zone, from_parents: _Referrals) -> Iterator[Finding]:
    """Yield the in-domain names without glue, each with the parent's name servers that returned none."""
    found: dict[str, list[Nameserver]] = defaultdict(list)
    for server, response in from_parents:
        for name in delegated_names(zone, response):
            if names.is_in_domain(name, zone.name) and not glue_addresses(response, name):
                found[name] += [server] if server else []
    for name, servers in sorted(found.items()):
        if zone.is_root:
            yield NO_GLUE_ROOT(ns=name)
        elif zone.undelegated:
            yield NO_GLUE_SUPPLIED(ns=name)
        else:
            yield NO_GLUE(ns=name, servers=servers)


async def _may_have_addresses(zone: Zone) -> bool:
    """Return whether a server of a disabled address family, or a failed lookup, could still provide an address."""
    return bool(await zone.all_servers()) or any([await zone.names_with_unknown_address(rtype) for rtype in TYPES])


def _compare(glue: Mapping[str, set[str]], child: ChildData, in_domain: list[str]) -> Iterator[Finding]:
    """Compare glue in the zone with the zone's address records, as far as a server answered."""
    extra = []
    for name in in_domain:
        answered = {qtype for of_name, qtype in child.settled if of_name == name}
        parent_has = {address for address in glue[name] if family_of(address) in answered}
        child_has = child.addresses[name]
        if parent_has and not child_has and len(answered) == len(TYPES):
            yield MISSING(ns=name)
        elif parent_has - child_has:
            yield MISMATCH(ns=name, parent_servers=endpoints(name, parent_has), zone_servers=endpoints(name, child_has))
        else:
            extra += endpoints(name, child_has - glue[name])
    if extra:
        yield EXTRA(servers=extra)


async def _compare_outside(zone: Zone, glue: Mapping[str, set[str]]) -> list[Finding]:
    """Compare glue outside the zone with resolved addresses; lookups without an address prove nothing."""
    faults = []
    for name, parent_has in glue.items():
        if names.is_in_domain(name, zone.name):
            continue
        found: set[str] = set()
        settled: set[str] = set()
        for qtype in TYPES:
            response = (await zone.recursor.resolve(name, qtype)).response
            if is_conclusive(response):
                found |= {record.address for record in response.records(qtype, name)}
                settled |= {address for address in parent_has if family_of(address) == qtype}
        if found and settled != found:
            faults.append(
                OTHER_MISMATCH(ns=name, parent_servers=endpoints(name, parent_has), zone_servers=endpoints(name, found))
            )
    return faults
