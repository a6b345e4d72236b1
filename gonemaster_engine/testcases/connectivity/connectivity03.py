"""CONNECTIVITY03: the addresses of the name servers should be announced by several autonomous systems.

Specification: Zonemaster CONNECTIVITY03. RFC 2182 section 3.1, RFC 1930.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from gonemaster_engine.asn.cache import Origin
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.connectivity._origins import OriginTags
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

ORIGINS = OriginTags(
    raw=Tag("ASN_INFOS_RAW", Level.DEBUG, ("address", "data")),
    announced_by=Tag("ASN_INFOS_ANNOUNCE_BY", Level.DEBUG, ("address", "asns")),
    announced_in=Tag("ASN_INFOS_ANNOUNCE_IN", Level.DEBUG, ("address", "prefixes")),
    empty=Tag("EMPTY_ASN_SET", Level.NOTICE, ("address",)),
    failed=Tag("ERROR_ASN_DATABASE", Level.NOTICE, ("address",)),
)


class AsnTags(NamedTuple):
    """The tags for one address family."""

    one: Tag
    same: Tag
    different: Tag


IPV4 = AsnTags(
    one=Tag("IPV4_ONE_ASN", Level.WARNING, ("asn",), claims_all=True),
    same=Tag("IPV4_SAME_ASN", Level.NOTICE, ("asns",), claims_all=True),
    different=Tag("IPV4_DIFFERENT_ASN", Level.INFO, ("asns",)),
)
IPV6 = AsnTags(
    one=Tag("IPV6_ONE_ASN", Level.WARNING, ("asn",), claims_all=True),
    same=Tag("IPV6_SAME_ASN", Level.NOTICE, ("asns",), claims_all=True),
    different=Tag("IPV6_DIFFERENT_ASN", Level.INFO, ("asns",)),
)


@case(
    "connectivity03",
    *ORIGINS.all(),
    *(tag for family in (IPV4, IPV6) for tag in (family.one, family.same, family.different)),
)
async def connectivity03(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the addresses of the name servers are announced by more than one autonomous system."""
    addresses = {server.address for server in await zone.all_servers()}
    origins = await zone.asn.lookup_all(sorted(addresses, key=lambda address: (":" in address, address)))
    for finding in ORIGINS.describe(origins):
        yield finding
    for tags, rtype, mark in ((IPV4, "A", "."), (IPV6, "AAAA", ":")):
        of_family = [origin for address, origin in origins.items() if mark in address]
        are_all_known = not await zone.names_with_unknown_address(rtype)
        for finding in _compare(of_family, tags, are_all_known=are_all_known):
            yield finding


def _compare(origins: list[Origin], tags: AsnTags, *, are_all_known: bool) -> Iterator[Finding]:
    """Yield the verdict; addresses without an origin do not count.

    An address whose lookup failed, or that is unknown, may belong to any AS: it cannot refute a difference, but makes
    every other verdict uncertain.
    """
    asn_sets = {origin.asns for origin in origins if origin.asns}
    asns = sorted({asn for asn_set in asn_sets for asn in asn_set})
    if len(asn_sets) > 1:
        yield tags.different(asns=asns)
    elif asn_sets and are_all_known and all(origin.is_known for origin in origins):
        yield tags.one(asn=asns[0]) if len(asns) == 1 else tags.same(asns=asns)
