"""CONNECTIVITY03: the addresses of the name servers should be announced by several autonomous systems.

Specification: Zonemaster CONNECTIVITY03. RFC 2182 section 3.1, RFC 1930.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from gonemaster_engine.entries import Level
from gonemaster_engine.findings import Finding, Tag
from gonemaster_engine.registry import case
from gonemaster_engine.testcases.connectivity._origins import OriginTags
from gonemaster_engine.zone import Zone

ORIGINS = OriginTags(
    raw=Tag("ASN_INFOS_RAW", Level.DEBUG, ("address", "data")),
    announced_by=Tag("ASN_INFOS_ANNOUNCE_BY", Level.DEBUG, ("address", "asns")),
    announced_in=Tag("ASN_INFOS_ANNOUNCE_IN", Level.DEBUG, ("address", "prefixes")),
    empty=Tag("EMPTY_ASN_SET", Level.NOTICE, ("address",)),
    failed=Tag("ERROR_ASN_DATABASE", Level.NOTICE, ("address",)),
)


@dataclass(frozen=True, slots=True)
class FamilyTags:
    """The verdicts about one address family."""

    one: Tag
    same: Tag
    different: Tag


IPV4 = FamilyTags(
    one=Tag("IPV4_ONE_ASN", Level.WARNING, ("asn",), claims_all=True),
    same=Tag("IPV4_SAME_ASN", Level.NOTICE, ("asns",)),
    different=Tag("IPV4_DIFFERENT_ASN", Level.INFO, ("asns",)),
)
IPV6 = FamilyTags(
    one=Tag("IPV6_ONE_ASN", Level.WARNING, ("asn",), claims_all=True),
    same=Tag("IPV6_SAME_ASN", Level.NOTICE, ("asns",)),
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
    for tags, mark in ((IPV4, "."), (IPV6, ":")):
        asn_sets = {origin.asns for address, origin in origins.items() if mark in address and origin.asns}
        for finding in _compare(asn_sets, tags):
            yield finding


def _compare(asn_sets: set[tuple[int, ...]], tags: FamilyTags) -> Iterator[Finding]:
    """Give the verdict; addresses whose AS is not known do not count."""
    asns = sorted({asn for asn_set in asn_sets for asn in asn_set})
    if len(asns) == 1:
        yield tags.one(asn=asns[0])
    elif len(asn_sets) == 1:
        yield tags.same(asns=asns)
    elif asn_sets:
        yield tags.different(asns=asns)
