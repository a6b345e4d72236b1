"""CONSISTENCY05: glue should equal the address records of the zone, and all parent servers should agree.

Glue is taken from the referrals of all name servers of the parent zone and compared by name; names without glue are not
compared. Glue for names outside the zone is compared with the addresses that they resolve to. With the tags of
Zonemaster 2025.2 the case also reports servers without a usable response; with those of 2026.1 it ignores such servers.

Specification: Zonemaster CONSISTENCY05. RFC 1034 section 4.2.2, RFC 9471.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.profile.tag_sets import OLDEST
from gonemaster_engine.resolver.recursor import is_conclusive
from gonemaster_engine.testcases._referrals import delegated_names, referrals
from gonemaster_engine.testcases.consistency import _glue_2026
from gonemaster_engine.testcases.consistency._glue import (
    TYPES,
    ChildData,
    delegated_glue,
    endpoints,
    family_of,
    query_child,
    usable_servers,
)
from gonemaster_engine.testcases.consistency._shared import NO_RESPONSE, grouped
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

MATCH = Tag("ADDRESSES_MATCH", Level.INFO)
NS_FAILED = Tag("CHILD_NS_FAILED", Level.DEBUG, ("ns", "address"))
LAME = Tag("CHILD_ZONE_LAME", Level.ERROR)
NS_SET = Tag("DELEGATION_NS_SET", Level.INFO, ("ns_set_servers", "servers"))
MULTIPLE_NS_SET = Tag("MULTIPLE_DELEGATION_NS_SET", Level.WARNING, ("count", "ns_names"))
EXTRA = Tag("EXTRA_ADDRESS_CHILD", Level.NOTICE, ("addresses",))
MISMATCH = Tag("IN_DOMAIN_ADDR_MISMATCH", Level.ERROR, ("ns", "parent_servers", "zone_servers"))
MISSING = Tag("MISSING_ADDRESS_CHILD", Level.NOTICE, ("ns",))
OTHER_MISMATCH = Tag("NOT_IN_DOMAIN_ADDR_MISMATCH", Level.ERROR, ("parent_servers", "zone_servers"))

_Referrals = list[tuple[Nameserver | None, Response]]


@case(
    "consistency05",
    MATCH,
    NS_FAILED,
    LAME,
    NS_SET,
    EXTRA,
    MISMATCH,
    MISSING,
    MULTIPLE_NS_SET,
    NO_RESPONSE,
    OTHER_MISMATCH,
    *_glue_2026.TAGS,
)
async def consistency05(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the glue agrees with the zone, and that the parent's name servers agree on the delegation."""
    from_parents = await referrals(zone)
    is_older = zone.context.profile.zonemaster_tags == OLDEST
    for finding in _ns_sets(zone, from_parents, is_older=is_older):
        yield finding
    compare = _compare_2025 if is_older else _glue_2026.compare
    async for finding in compare(zone, from_parents):
        yield finding


async def _compare_2025(zone: Zone, from_parents: _Referrals) -> AsyncIterator[Finding]:
    glue = delegated_glue(zone, (response for _, response in from_parents))
    in_domain = [name for name in await zone.all_names() if names.is_in_domain(name, zone.name)]
    child = await query_child(zone, await usable_servers(zone), in_domain)
    for server in sorted(child.unresponsive):
        if child.has_other_addresses(server):  # the address mismatch is more informative
            continue
        yield NO_RESPONSE(ns=server.name, address=server.address)
    for server in sorted(child.failed):
        yield NS_FAILED(ns=server.name, address=server.address)
    if (child.unresponsive or child.failed) and not child.settled:
        yield LAME()
        return
    compared = [name for name in glue if names.is_in_domain(name, zone.name)]
    faults = _compare(glue, child, compared)
    faults += await _compare_outside(zone, glue)
    if not faults and (child.settled or not compared):
        yield MATCH()
    for finding in faults:
        yield finding


def _ns_sets(zone: Zone, from_parents: _Referrals, *, is_older: bool) -> list[Finding]:
    sets = grouped((tuple(delegated_names(zone, response)), server) for server, response in from_parents if server)
    if len(sets) < 2:
        return []
    every_name = sorted({name for ns_set, _ in sets for name in ns_set})
    differ = MULTIPLE_NS_SET if is_older else _glue_2026.INCONSISTENT
    return [
        differ(count=len(sets), ns_names=every_name),
        *(NS_SET(ns_set_servers=ns_set, servers=servers) for ns_set, servers in sets if is_older),
    ]


def _compare(glue: Mapping[str, set[str]], child: ChildData, in_domain: Iterable[str]) -> list[Finding]:
    """Compare glue in the zone with the addresses that the zone's servers return, as far as a server answers."""
    faults = []
    extra = []
    for name in in_domain:
        answered = {qtype for of_name, qtype in child.settled if of_name == name}
        parent_has = {address for address in glue[name] if family_of(address) in answered}
        child_has = child.addresses[name]
        if not child_has and len(answered) == len(TYPES):
            faults.append(MISSING(ns=name))
        if parent_has - child_has:
            faults.append(
                MISMATCH(ns=name, parent_servers=endpoints(name, parent_has), zone_servers=endpoints(name, child_has))
            )
        extra += [f"{name}/{address}" for address in sorted(child_has - glue[name])]
    return [*faults, EXTRA(addresses=extra)] if extra else faults


async def _compare_outside(zone: Zone, glue: Mapping[str, set[str]]) -> list[Finding]:
    """Compare glue outside the zone with resolved addresses.

    The address families are compared one after the other, until the result is clear.
    """
    faults = []
    for name, parent_has in glue.items():
        if names.is_in_domain(name, zone.name):
            continue
        found: set[str] = set()
        settled: set[str] = set()
        for qtype, addresses in (
            ("A", {address for address in parent_has if ":" not in address}),
            ("AAAA", {address for address in parent_has if ":" in address}),
        ):
            response = (await zone.recursor.resolve(name, qtype)).response
            if is_conclusive(response):
                found |= {record.address for record in response.records(qtype, name)}
                settled |= addresses
        if settled - found:
            faults.append(
                OTHER_MISMATCH(parent_servers=endpoints(name, parent_has), zone_servers=endpoints(name, found))
            )
    return faults
