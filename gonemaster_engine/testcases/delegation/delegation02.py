"""DELEGATION02: different name server names should not share one address.

Specification: Zonemaster DELEGATION02. RFC 1034 section 4.1, RFC 2182 section 5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

_KEYS = ("servers", "address")
DELEGATION_SAME = Tag("DEL_NS_SAME_IP", Level.ERROR, _KEYS)
DELEGATION_DISTINCT = Tag("DEL_DISTINCT_NS_IP", Level.INFO)
CHILD_SAME = Tag("CHILD_NS_SAME_IP", Level.ERROR, _KEYS)
CHILD_DISTINCT = Tag("CHILD_DISTINCT_NS_IP", Level.INFO)
ANY_SAME = Tag("SAME_IP_ADDRESS", Level.ERROR, _KEYS)
ANY_DISTINCT = Tag("DISTINCT_IP_ADDRESS", Level.INFO)


@case("delegation02", CHILD_DISTINCT, CHILD_SAME, DELEGATION_DISTINCT, DELEGATION_SAME, ANY_DISTINCT, ANY_SAME)
async def delegation02(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the name servers have distinct addresses."""
    for servers, shared_tag, distinct_tag in (
        (await zone.glue(), DELEGATION_SAME, DELEGATION_DISTINCT),
        (await zone.ns(), CHILD_SAME, CHILD_DISTINCT),
        (await zone.all_servers(), ANY_SAME, ANY_DISTINCT),
    ):
        for finding in _shared_addresses(servers, shared_tag, distinct_tag):
            yield finding


def _shared_addresses(servers: Iterable[Nameserver], shared_tag: Tag, distinct_tag: Tag) -> Iterator[Finding]:
    by_address: dict[str, set[str]] = defaultdict(set)
    for server in servers:
        by_address[server.address].add(server.name)
    shared = [(address, ns_names) for address, ns_names in sorted(by_address.items()) if len(ns_names) > 1]
    for address, ns_names in shared:
        yield shared_tag(servers=ns_names, address=address)
    if by_address and not shared:
        yield distinct_tag()
