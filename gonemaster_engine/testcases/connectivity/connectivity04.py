"""CONNECTIVITY04: the addresses of the name servers should be in several announced prefixes.

Specification: Zonemaster CONNECTIVITY04. RFC 2182 section 3.1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from gonemaster_engine.asn.cache import Origin
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.testcases.connectivity._origins import OriginTags
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

ORIGINS = OriginTags(
    raw=Tag("CN04_ASN_INFOS_RAW", Level.DEBUG, ("address", "data")),
    announced_by=None,
    announced_in=Tag("CN04_ASN_INFOS_ANNOUNCE_IN", Level.DEBUG, ("address", "prefixes")),
    empty=Tag("CN04_EMPTY_PREFIX_SET", Level.NOTICE, ("address",)),
    failed=Tag("CN04_ERROR_PREFIX_DATABASE", Level.NOTICE, ("address",)),
)


class PrefixTags(NamedTuple):
    """The tags for one address family."""

    same: Tag
    different: Tag
    single: Tag


IPV4 = PrefixTags(
    same=Tag("CN04_IPV4_SAME_PREFIX", Level.NOTICE, ("prefixes", "servers")),
    different=Tag("CN04_IPV4_DIFFERENT_PREFIX", Level.INFO, ("servers",)),
    single=Tag("CN04_IPV4_SINGLE_PREFIX", Level.WARNING, claims_all=True),
)
IPV6 = PrefixTags(
    same=Tag("CN04_IPV6_SAME_PREFIX", Level.NOTICE, ("prefixes", "servers")),
    different=Tag("CN04_IPV6_DIFFERENT_PREFIX", Level.INFO, ("servers",)),
    single=Tag("CN04_IPV6_SINGLE_PREFIX", Level.WARNING, claims_all=True),
)


@case(
    "connectivity04",
    *ORIGINS.all(),
    *(tag for family in (IPV4, IPV6) for tag in (family.same, family.different, family.single)),
)
async def connectivity04(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the addresses of the name servers are in more than one announced prefix."""
    servers = await zone.all_servers()
    by_address: dict[str, Nameserver] = {}
    for server in sorted(servers, key=lambda server: (server.is_ipv6, server)):
        by_address.setdefault(server.address, server)
    origins = await zone.asn.lookup_all(by_address)
    for finding in ORIGINS.describe(origins):
        yield finding
    for tags, rtype, is_ipv6 in ((IPV4, "A", False), (IPV6, "AAAA", True)):
        family = [(server, origins[server.address]) for server in by_address.values() if server.is_ipv6 is is_ipv6]
        are_all_known = not await zone.names_with_unknown_address(rtype)
        for finding in _compare(family, tags, are_all_known=are_all_known):
            yield finding


def _compare(family: list[tuple[Nameserver, Origin]], tags: PrefixTags, *, are_all_known: bool) -> Iterator[Finding]:
    """Yield the verdicts.

    If a lookup failed, the address may be in any prefix, so there is no verdict about all addresses.
    """
    groups: dict[str, list[Nameserver]] = defaultdict(list)
    for server, origin in family:
        if origin.is_known:
            groups[origin.prefix].append(server)
    announced = {prefix: servers for prefix, servers in sorted(groups.items()) if prefix}
    for prefix, servers in announced.items():
        if len(servers) > 1:
            yield tags.same(prefixes=[prefix], servers=servers)
    unshared = [servers[0] for servers in announced.values() if len(servers) == 1]
    if unshared:
        yield tags.different(servers=unshared)
    if announced and len(groups) == 1 and are_all_known and all(origin.is_known for _, origin in family):
        yield tags.single()
