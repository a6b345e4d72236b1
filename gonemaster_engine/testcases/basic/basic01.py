"""BASIC01: the zone must exist, and the name servers of its parent zone must agree about it.

It reports the observations of the walk from the root to the zone (`gonemaster_engine.resolver.delegation_walk`).

Specification: Zonemaster BASIC01. RFC 1034 section 4.2, RFC 6672 (DNAME), RFC 8020 (NXDOMAIN), RFC 9156.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.resolver.delegation_walk import EXISTS, Seen, Walk
from gonemaster_engine.testcases._aliases import ALIAS_TAGS, alias_findings
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import IPV4_ENABLED, IPV6_ENABLED, ServerFilter, enabled
from gonemaster_engine.zone.zone import Zone

CHILD_FOUND = Tag("B01_CHILD_FOUND", Level.INFO, ("domain",))
CHILD_IS_ALIAS = Tag("B01_CHILD_IS_ALIAS", Level.NOTICE, ("domain_child", "domain_target", "servers"))
CHILD_UNDETERMINED = Tag("B01_CHILD_UNDETERMINED", Level.ERROR, ("domain_child", "domain_super"))
CHILD_NOT_EXIST = Tag("B01_CHILD_NOT_EXIST", Level.INFO, ("domain",))
INCONSISTENT_ALIAS = Tag("B01_INCONSISTENT_ALIAS", Level.ERROR, ("domain",))
INCONSISTENT_DELEGATION = Tag("B01_INCONSISTENT_DELEGATION", Level.ERROR, ("domain_parent", "domain_child", "servers"))
NO_CHILD = Tag("B01_NO_CHILD", Level.ERROR, ("domain_child", "domain_super"))
PARENT_DISREGARDED = Tag("B01_PARENT_DISREGARDED", Level.INFO)
PARENT_FOUND = Tag("B01_PARENT_FOUND", Level.INFO, ("domain", "servers"))
PARENT_NOT_FOUND = Tag("B01_PARENT_NOT_FOUND", Level.WARNING)
NXDOMAIN_HIDES = Tag(
    "B01_PARENT_NXDOMAIN_HIDES_DELEGATION", Level.ERROR, ("ns", "address", "query_name", "domain_child")
)
PARENT_UNDETERMINED = Tag("B01_PARENT_UNDETERMINED", Level.WARNING, ("servers",))
ROOT_HAS_NO_PARENT = Tag("B01_ROOT_HAS_NO_PARENT", Level.INFO)
SERVER_ZONE_ERROR = Tag("B01_SERVER_ZONE_ERROR", Level.DEBUG, ("query_name", "query_type", "ns", "address"))
LOOP_PROTECTION = Tag(
    "LOOP_PROTECTION", Level.DEBUG2, ("caller", "child_zone_name", "zone_name", "intermediate_query_name")
)


@case(
    "basic01",
    CHILD_IS_ALIAS,
    CHILD_FOUND,
    CHILD_UNDETERMINED,
    CHILD_NOT_EXIST,
    INCONSISTENT_ALIAS,
    INCONSISTENT_DELEGATION,
    NO_CHILD,
    PARENT_DISREGARDED,
    PARENT_FOUND,
    PARENT_NOT_FOUND,
    NXDOMAIN_HIDES,
    PARENT_UNDETERMINED,
    ROOT_HAS_NO_PARENT,
    SERVER_ZONE_ERROR,
    *ALIAS_TAGS,
    IPV4_ENABLED,
    IPV6_ENABLED,
    LOOP_PROTECTION,
    query_types=("SOA", "NS", "DNAME"),
)
async def basic01(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the zone exists, and find its parent zone."""
    if zone.is_root:
        yield CHILD_FOUND(domain=zone.name)
        yield ROOT_HAS_NO_PARENT()
        return
    if zone.undelegated:
        yield CHILD_FOUND(domain=zone.name)
        yield PARENT_DISREGARDED()
        return
    walk = await zone.walk()
    for finding in _check_ancestors(zone.name, walk, usable):
        yield finding
    for finding in await alias_findings(zone, walk.server_names):
        yield finding
    if walk.stopped:
        return
    for finding in _parent(walk):
        yield finding
    for finding in _child(zone, walk):
        yield finding


def _check_ancestors(zone_name: str, walk: Walk, usable: ServerFilter) -> Iterator[Finding]:
    reported: set[tuple[Nameserver, str]] = set()
    for server, query_type in walk.families:
        if (server, query_type) not in reported:
            reported.add((server, query_type))
            if usable([server]):
                yield from enabled(server, [query_type])
    for server, query_name, query_type in walk.errors:
        yield SERVER_ZONE_ERROR(query_name=query_name, query_type=query_type, ns=server.name, address=server.address)
    for server, query_name in walk.hidden:
        yield NXDOMAIN_HIDES(ns=server.name, address=server.address, query_name=query_name, domain_child=zone_name)
    if walk.stopped:
        yield LOOP_PROTECTION(
            caller="basic01",
            child_zone_name=zone_name,
            zone_name=walk.stopped.zone,
            intermediate_query_name=walk.stopped.query_name,
        )


def _parent(walk: Walk) -> Iterator[Finding]:
    servers_of: dict[str, list[Nameserver]] = defaultdict(list)
    for observation in walk.observations:
        servers_of[observation.zone].append(observation.server)
    for parent, servers in sorted(servers_of.items()):
        yield PARENT_FOUND(domain=parent, servers=servers)
    if len(servers_of) > 1:
        yield PARENT_UNDETERMINED(servers=walk.servers())
    if not servers_of:
        yield PARENT_NOT_FOUND()


def _child(zone: Zone, walk: Walk) -> Iterator[Finding]:
    states = {observation.seen for observation in walk.observations}
    if states & EXISTS:
        yield CHILD_FOUND(domain=zone.name)
        yield from _inconsistencies(zone.name, walk)
    elif not states:  # no server answered or could be queried
        yield CHILD_UNDETERMINED(domain_child=zone.name, domain_super=names.parent(zone.name))
    else:
        yield NO_CHILD(domain_child=zone.name, domain_super=names.parent(zone.name))
        if zone.supplied_ds:
            yield CHILD_NOT_EXIST(domain=zone.name)
    yield from _aliases(zone.name, walk)


def _inconsistencies(zone_name: str, walk: Walk) -> Iterator[Finding]:
    denying: dict[str, list[Nameserver]] = defaultdict(list)
    for observation in walk.observations:
        if observation.seen not in EXISTS:
            denying[observation.zone].append(observation.server)
    for parent, servers in sorted(denying.items()):
        yield INCONSISTENT_DELEGATION(domain_parent=parent, domain_child=zone_name, servers=servers)


def _aliases(zone_name: str, walk: Walk) -> Iterator[Finding]:
    servers_of: dict[str, list[Nameserver]] = defaultdict(list)
    for observation in walk.observations:
        if observation.seen is Seen.DNAME:
            servers_of[observation.target].append(observation.server)
    for target, servers in sorted(servers_of.items()):
        yield CHILD_IS_ALIAS(domain_child=zone_name, domain_target=target, servers=servers)
    if len(servers_of) > 1:
        yield INCONSISTENT_ALIAS(domain=zone_name)
