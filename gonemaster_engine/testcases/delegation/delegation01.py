"""DELEGATION01: delegation and zone should have enough name servers, in total and per address family, and glue.

Specification: Zonemaster DELEGATION01. RFC 1034 section 4.1, RFC 2182 section 5, RFC 9471 section 3,
RFC 10001 section 4.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import NamedTuple

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.testcases._referrals import delegated_names, glue_addresses, referrals
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

MINIMUM = 2  # RFC 1034 section 4.1

_KEYS = ("count", "minimum", "servers")
GLUE_MISSING = Tag("IN_DOMAIN_GLUE_MISSING", Level.ERROR, ("ns",))


class _Side(NamedTuple):
    """The tags for one NS set, of the delegation or of the zone itself."""

    enough: Tag
    not_enough: Tag
    families: tuple[tuple[bool, Tag, Tag, Tag], ...]  # whether it is IPv6; tags for enough, not enough, none

    @property
    def tags(self) -> tuple[Tag, ...]:
        return (self.enough, self.not_enough, *(tag for family in self.families for tag in family[1:]))


def _side(suffix: str) -> _Side:
    def family(number: str) -> tuple[bool, Tag, Tag, Tag]:
        return (
            number == "6",
            Tag(f"ENOUGH_IPV{number}_NS_{suffix}", Level.INFO, _KEYS),
            Tag(f"NOT_ENOUGH_IPV{number}_NS_{suffix}", Level.ERROR, _KEYS, claims_all=True),
            Tag(f"NO_IPV{number}_NS_{suffix}", Level.WARNING, _KEYS, claims_all=True),
        )

    return _Side(
        Tag(f"ENOUGH_NS_{suffix}", Level.INFO, _KEYS),
        Tag(f"NOT_ENOUGH_NS_{suffix}", Level.ERROR, _KEYS),
        (family("4"), family("6")),
    )


DELEGATION = _side("DEL")
CHILD = _side("CHILD")


@case("delegation01", *DELEGATION.tags, *CHILD.tags, GLUE_MISSING)
async def delegation01(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the zone has enough name servers, in total and per address family, and glue for the in-domain ones."""
    unknown = {rtype: await zone.names_with_unknown_address(rtype) for rtype in ("A", "AAAA")}
    in_glue = {server.name for server in await zone.glue() if names.is_in_domain(server.name, zone.name)}
    not_in_glue = {rtype: of_type - in_glue for rtype, of_type in unknown.items()}
    for finding in _count(DELEGATION, await zone.glue_names(), await zone.glue(), not_in_glue):
        yield finding
    if await zone.apex_is_known():
        for finding in _count(CHILD, await zone.ns_names(), await zone.ns(), unknown):
            yield finding
    for name in await _names_without_glue(zone):
        yield GLUE_MISSING(ns=name)


def _count(
    side: _Side, ns_names: list[str], servers: list[Nameserver], unknown: Mapping[str, set[str]]
) -> Iterator[Finding]:
    """Count the names in total and with addresses of each family; names with unknown addresses may count."""
    tag = side.enough if len(ns_names) >= MINIMUM else side.not_enough
    yield tag(count=len(ns_names), minimum=MINIMUM, servers=ns_names)
    for is_ipv6, enough, not_enough, no_server in side.families:
        of_family = [server for server in servers if server.is_ipv6 == is_ipv6]
        family_names = {server.name for server in of_family}
        open_names = unknown["AAAA" if is_ipv6 else "A"].intersection(ns_names) - family_names
        count = len(family_names)
        if count < MINIMUM and open_names and (not count or count + len(open_names) >= MINIMUM):
            continue
        tag = enough if count >= MINIMUM else not_enough if count else no_server
        yield tag(count=count, minimum=MINIMUM, servers=of_family)


async def _names_without_glue(zone: Zone) -> list[str]:
    """Return the in-domain name servers without an address in any referral."""
    responses = [response for _, response in await referrals(zone)]
    delegated = {name for response in responses for name in delegated_names(zone, response)}
    return sorted(
        name
        for name in delegated
        if names.is_in_domain(name, zone.name) and not any(glue_addresses(response, name) for response in responses)
    )
