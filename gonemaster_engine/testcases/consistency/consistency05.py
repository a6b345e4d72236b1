"""CONSISTENCY05: glue should equal the address records of the zone, and all parent servers should agree.

Glue is taken from the referrals of all name servers of the parent zone and compared by name; names without glue are not
compared. Glue for names outside the zone is compared with the addresses that they resolve to.

Specification: Zonemaster CONSISTENCY05. RFC 1034 section 4.2.2, RFC 9471.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.resolver.recursor import is_conclusive
from gonemaster_engine.testcases._referrals import delegated_names, glue_addresses, referrals
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

_TYPES = ("A", "AAAA")


@dataclass
class _ChildData:
    """Addresses by name in the zone, and the servers that did not return theirs."""

    addresses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    settled: set[tuple[str, str]] = field(default_factory=set)  # names and address types that a server answered
    unresponsive: set[Nameserver] = field(default_factory=set)
    failed: set[Nameserver] = field(default_factory=set)

    def has_other_addresses(self, server: Nameserver) -> bool:
        """Return whether the zone has addresses for the server's name, but not the address that was queried."""
        addresses = self.addresses.get(server.name, set())
        return bool(addresses) and server.address not in addresses


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
)
async def consistency05(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the glue agrees with the zone, and that the parent's name servers agree on the delegation."""
    from_parents = await referrals(zone)
    for finding in _ns_sets(zone, from_parents):
        yield finding
    glue = _glue(zone, (response for _, response in from_parents))
    in_domain = [name for name in await zone.all_names() if names.is_in_domain(name, zone.name)]
    child = await _query_child(zone, in_domain)
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


def _ns_sets(zone: Zone, from_parents: list[tuple[Nameserver | None, Response]]) -> list[Finding]:
    sets = grouped((tuple(delegated_names(zone, response)), server) for server, response in from_parents if server)
    if len(sets) < 2:
        return []
    every_name = sorted({name for ns_set, _ in sets for name in ns_set})
    return [
        MULTIPLE_NS_SET(count=len(sets), ns_names=every_name),
        *(NS_SET(ns_set_servers=ns_set, servers=servers) for ns_set, servers in sets),
    ]


def _glue(zone: Zone, responses: Iterable[Response]) -> dict[str, set[str]]:
    """Return all glue by name, sorted by name, without names that have no glue."""
    glue: dict[str, set[str]] = defaultdict(set)
    for response in responses:
        for name in delegated_names(zone, response):
            glue[name] |= glue_addresses(response, name)
    return {name: glue[name] for name in sorted(glue) if glue[name]}


async def _query_child(zone: Zone, in_domain: list[str]) -> _ChildData:
    servers = [server for server in await zone.all_servers() if zone.context.uses_family(ipv6=server.is_ipv6)]
    pending = [
        (name, qtype, server, server.query(name, qtype)) for name in in_domain for server in servers for qtype in _TYPES
    ]
    child = _ChildData()
    for name, qtype, server, answer in pending:
        response: Response | None = await answer
        if response is None:
            child.unresponsive.add(server)
            continue
        if response.is_referral:
            response = (await zone.recursor.resolve(name, qtype)).response
            if not is_conclusive(response):
                continue
        elif not response.aa or not is_conclusive(response):
            child.failed.add(server)
            continue
        child.settled.add((name, qtype))
        child.addresses[name] |= {record.address for record in response.records(qtype, name)}
    return child


def _compare(glue: Mapping[str, set[str]], child: _ChildData, in_domain: Iterable[str]) -> list[Finding]:
    """Compare glue in the zone with the addresses that the zone's servers return, as far as a server answers."""
    faults = []
    extra = []
    for name in in_domain:
        answered = {qtype for of_name, qtype in child.settled if of_name == name}
        parent_has = {address for address in glue[name] if ("AAAA" if ":" in address else "A") in answered}
        child_has = child.addresses[name]
        if not child_has and len(answered) == len(_TYPES):
            faults.append(MISSING(ns=name))
        if parent_has - child_has:
            faults.append(
                MISMATCH(ns=name, parent_servers=_endpoints(name, parent_has), zone_servers=_endpoints(name, child_has))
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
                OTHER_MISMATCH(parent_servers=_endpoints(name, parent_has), zone_servers=_endpoints(name, found))
            )
    return faults


def _endpoints(name: str, addresses: Iterable[str]) -> list[dict[str, str]]:
    return [{"ns": name, "address": address} for address in sorted(addresses)]
