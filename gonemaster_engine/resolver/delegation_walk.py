"""The walk from the root towards a zone: which servers delegate it, deny it or answer otherwise.

`basic01` reports the observations; `Zone.parent_servers` takes the parent's servers from them, so that the tree is
walked once per run. Below the TLD the walk follows all servers of each zone on the path. At the root it follows the
first server that works. It follows all root servers only if that server leads to no answer, or if the target is a TLD.

Specification: Zonemaster BASIC01 and MethodsV2 Get-Parent-NS-Names-and-IPs; RFC 9156 (query names).
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gonemaster_engine import names
from gonemaster_engine.context import RunContext
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response, Section
from gonemaster_engine.resolver.recursor import Recursor, glue_addresses
from gonemaster_engine.waiting import SILENCE_TIMEOUT_S

_NEXT_ROOTS = 3  # root servers that are queried before all others
VISIT_LIMIT = 1000  # servers visited on one walk


class Seen(enum.Enum):
    """The answer of a parent candidate about the zone."""

    DELEGATION = enum.auto()
    AUTHORITATIVE_SOA = enum.auto()
    NXDOMAIN = enum.auto()
    CNAME = enum.auto()
    CNAME_WITH_REFERRAL = enum.auto()
    DNAME = enum.auto()
    NODATA = enum.auto()


EXISTS = frozenset({Seen.DELEGATION, Seen.AUTHORITATIVE_SOA})


class ParentObservation(NamedTuple):
    """The answer of one server of a parent candidate."""

    server: Nameserver
    zone: str  # the parent candidate
    seen: Seen
    target: str = ""  # target of the DNAME record
    query_name: str = ""  # the name that does not exist (NXDOMAIN): the zone or a name above it


class ZoneError(NamedTuple):
    """A response, or a missing response, that ends the walk at a server."""

    server: Nameserver
    query_name: str
    query_type: str


class Hidden(NamedTuple):
    """A server that denies an intermediate name but knows the zone below it (RFC 8020)."""

    server: Nameserver
    query_name: str


class AddressFamily(NamedTuple):
    """A query that was sent, or was skipped because the address family of its server is disabled."""

    server: Nameserver
    query_type: str


class Stopped(NamedTuple):
    """The zone at which the visit limit ended the walk."""

    zone: str
    query_name: str


@dataclass
class Walk:
    """All observations of a walk."""

    observations: list[ParentObservation] = field(default_factory=list)
    errors: list[ZoneError] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    families: list[AddressFamily] = field(default_factory=list)
    stopped: Stopped | None = None
    server_names: set[str] = field(default_factory=set)  # NS names whose addresses were looked up
    zones: set[str] = field(default_factory=set)  # zones on the path that at least one of their servers serves

    def servers(self, seen: Iterable[Seen] = tuple(Seen)) -> list[Nameserver]:
        """Return the servers that gave one of these answers, sorted and without duplicates."""
        wanted = frozenset(seen)
        return sorted({each.server for each in self.observations if each.seen in wanted})

    @property
    def parent_servers(self) -> list[Nameserver]:
        """The servers of the parent zone: those whose answers show that the zone exists."""
        return self.servers(EXISTS)


class _Candidate(NamedTuple):
    server: Nameserver
    zone: str


class DelegationWalk:
    """Performs one walk. The servers of one wave are queried concurrently."""

    def __init__(self, context: RunContext, recursor: Recursor, zone_name: str) -> None:
        self._context = context
        self._recursor = recursor
        self._target = zone_name
        self._walk = Walk()
        # An address can have several names: it is queried once per zone, and its answer counts for all of them.
        self._handled: set[tuple[str, str]] = set()  # (address, zone)
        self._kept: set[_Candidate] = set()
        self._names_of: dict[str, set[str]] = {}  # by zone
        self.has_root = False  # a root server works

    async def run(self) -> Walk:
        """Visit servers until none are left."""
        await self._visit_roots()
        self._credit_all_names()
        return self._walk

    def servers_by_zone(self) -> dict[str, list[Nameserver]]:
        """Return the servers found so far, by zone."""
        found: dict[str, list[Nameserver]] = {}
        for server, zone in sorted(self._kept):
            found.setdefault(zone, []).append(server)
        return found

    async def _visit_roots(self) -> None:
        roots = sorted(self._context.nameservers(dict(self._context.root_hints)))
        # IPv4 first, so that on a host without working IPv6 the walk does not start with timeouts.
        roots.sort(key=lambda server: (server.is_ipv6, server))
        items = [_Candidate(server, names.ROOT) for server in roots]
        if names.parent(self._target) == names.ROOT:
            await self._visit_waves(items)
            return
        # All root servers serve the same zone, so one working server is enough. For a TLD they are the parent's
        # servers, and the answer of each one is part of the test.
        ahead = self._context.start(self._query_roots_early(roots))
        try:
            for item in items:
                await self._visit_waves([item])
                if self._walk.observations or self._walk.stopped:
                    return
        finally:
            ahead.cancel()

    async def _query_roots_early(self, roots: list[Nameserver]) -> None:
        """Send the queries for the next root servers early, so that the timeouts of silent ones overlap."""
        for group in (roots[1:_NEXT_ROOTS], roots[_NEXT_ROOTS:]):
            await asyncio.sleep(SILENCE_TIMEOUT_S)
            if (
                self.has_root
            ):  # errors, for example of a middlebox, do not stop the walk from trying the next root server
                return
            for root in group:
                for rtype in ("NS", "SOA"):
                    root.query(names.ROOT, rtype, shared=True)

    async def _visit_waves(self, items: list[_Candidate]) -> None:
        while items:
            wave = [item for item in items if self._claim(item)]
            # Each delegation can name new servers of new zones, so a hostile parent could extend a walk without end.
            if len(self._handled) > VISIT_LIMIT:
                self._walk.stopped = Stopped(items[0].zone, self._target)
                return
            visits = [_Visit(self, item) for item in wave]
            await asyncio.gather(*(visit.run() for visit in visits))
            items = []
            for visit in visits:  # in the order of the wave, so that findings do not depend on the order of answers
                visit.report(self._walk)
                items += visit.found

    def _claim(self, item: _Candidate) -> bool:
        key = (item.server.address, item.zone)
        self._kept.add(item)
        self._names_of.setdefault(item.zone, set()).add(item.server.name)
        if key in self._handled:
            return False
        self._handled.add(key)
        return True

    def _credit_all_names(self) -> None:
        """Attribute the observations of an address to all its names in the zone."""
        names_of: dict[tuple[str, str], list[Nameserver]] = {}
        for server, zone in sorted(self._kept):
            names_of.setdefault((server.address, zone), []).append(server)
        self._walk.observations = [
            each._replace(server=server)
            for each in self._walk.observations
            for server in names_of.get((each.server.address, each.zone), [each.server])
        ]

    async def servers_of(self, response: Response, zone: str, section: Section) -> list[_Candidate]:
        """Return the servers of a zone, with addresses from the response or from a lookup."""
        admission = self._context.budget.admission(zone)
        targets = admission.names(record.target for record in response.records("NS", zone, section))
        missing = []
        addresses: dict[str, Iterable[str]] = {}
        for target in targets:
            # The zone is the root, so addresses count even if they are not glue (RFC 9471): the walk reports where the
            # parent sends resolvers, right or wrong.
            found = glue_addresses(response, target, names.ROOT)
            addresses[target] = found
            if not found:
                missing.append(target)
        self._walk.server_names.update(missing)
        looked_up = await asyncio.gather(*(self._recursor.addresses(target) for target in missing))
        addresses.update(zip(missing, looked_up, strict=True))
        return [_Candidate(server, zone) for server in self._context.nameservers(admission.addresses(addresses))]

    def names_of(self, zone: str) -> frozenset[str]:
        """Return the names of the zone's servers found so far.

        For a name in a delegation, the delegation's addresses take precedence.
        """
        return frozenset(self._names_of.get(zone, ()))

    @property
    def target(self) -> str:
        """The zone that the walk leads to."""
        return self._target

    @property
    def context(self) -> RunContext:
        """The run of the walk."""
        return self._context


class _Visit:
    """The visit of one server of one zone on the way to the target."""

    def __init__(self, walk: DelegationWalk, item: _Candidate) -> None:
        self._walk = walk
        self._server = item.server
        self._zone = item.zone
        self._target = walk.target
        self.found: list[_Candidate] = []
        self._observations: list[ParentObservation] = []
        self._errors: list[ZoneError] = []
        self._hidden: list[Hidden] = []
        self._denied = ""  # the first intermediate name that the server denied, until a zone below it is found
        self._families: list[AddressFamily] = []
        self._zones: list[str] = []

    def report(self, walk: Walk) -> None:
        """Add the observations of the visit to the walk."""
        walk.observations += self._observations
        walk.errors += self._errors
        walk.hidden += self._hidden
        walk.families += self._families
        walk.zones.update(self._zones)

    async def run(self) -> None:
        """Query the server for its zone, then for one name after the other down to the target."""
        await self._server.turns.wait()
        self._families.append(AddressFamily(self._server, "SOA"))
        if not self._walk.context.uses_family(ipv6=self._server.is_ipv6):
            return
        self._server.query(self._zone, "NS", shared=self._shared(self._zone))  # sent together with the SOA query
        ahead = self._walk.context.loop.call_later(SILENCE_TIMEOUT_S, self._query_early, self._zone)
        try:
            await self._descend()
        finally:
            ahead.cancel()

    def _query_early(self, zone: str) -> None:
        """Send the next queries of a slow parent server early, so that their waits overlap."""
        if zone == names.parent(self._target) and zone != names.ROOT:
            for rtype in ("SOA", "NS"):
                self._server.query(self._target, rtype)

    async def _descend(self) -> None:
        if not await self._has_own_soa(self._zone) or not await self._add_own_servers(self._zone):
            return
        name = self._zone
        while name != self._target:
            name = names.extend(name, self._target)
            if not await self._step(name):
                return

    def _shared(self, name: str) -> bool:
        # Answers about zones above the target may come from other runs; the tested zone is always queried.
        return not names.is_in_domain(name, self._target)

    async def _query(self, name: str, rtype: str) -> Response | None:
        return await self._server.query(name, rtype, shared=self._shared(name))

    async def _has_own_soa(self, zone: str) -> bool:
        response = await self._query(zone, "SOA")
        if response and _is_authoritative_soa(response, zone):
            return True
        self._errors.append(ZoneError(self._server, zone, "SOA"))
        return False

    async def _add_own_servers(self, zone: str) -> bool:
        self._families.append(AddressFamily(self._server, "NS"))
        response = await self._query(zone, "NS")
        if not response or not _is_authoritative_ns(response, zone):
            self._errors.append(ZoneError(self._server, zone, "NS"))
            return False
        self._zones.append(zone)
        if zone == names.ROOT:
            self._walk.has_root = True
        if zone != names.ROOT or names.parent(self._target) == names.ROOT:
            # The addresses of a referral take precedence for the names in it, because resolvers try those first.
            known = self._walk.names_of(zone)
            self.found += [
                item for item in await self._walk.servers_of(response, zone, "answer") if item.server.name not in known
            ]
        return True

    async def _step(self, name: str) -> bool:
        """Query the SOA record of the next name; return whether the visit continues at this server."""
        response = await self._query(name, "SOA")
        if response is None:
            self._errors.append(ZoneError(self._server, name, "SOA"))
            return False
        if _is_authoritative_soa(response, name):
            return await self._on_soa(name)
        if response.rcode == "NXDOMAIN" and response.aa:
            return await self._on_nxdomain(name, response)
        # A referral with an answer does not delegate this name: the name may be an alias whose target is delegated.
        if response.is_referral_to(name) and not response.answer:
            await self._on_referral(name, response)
            return False
        if response.rcode == "NOERROR" and response.aa:
            return await self._on_nodata(name, response)
        if response.is_referral and response.has("CNAME", self._target):
            self._observe(Seen.CNAME_WITH_REFERRAL)
            return False
        self._errors.append(ZoneError(self._server, name, "SOA"))
        return False

    def _observe(self, seen: Seen, target: str = "", *, query_name: str = "") -> None:
        self._observations.append(ParentObservation(self._server, self._zone, seen, target, query_name))

    async def _on_soa(self, name: str) -> bool:
        self._report_hidden()
        if name == self._target:
            self._observe(Seen.AUTHORITATIVE_SOA)
            return False
        if not await self._add_own_servers(name):
            return False
        self._zone = name
        return True

    async def _on_nxdomain(self, name: str, response: Response) -> bool:
        """Handle NXDOMAIN; return whether the visit continues.

        For an intermediate name it ends the visit only if the server denies the zone itself as well.
        """
        if name == self._target:
            self._observe(Seen.NXDOMAIN, query_name=name)
            return False
        # Nothing exists below a name that does not exist (RFC 8020), but some servers deny empty non-terminals.
        # Only a query for the zone itself shows which case applies. The visit then continues with the next name, as
        # after an empty answer, because this server may also serve a zone between the two names.
        below = await self._query(self._target, "SOA")
        if not below or not _exists(below, name, self._target):
            self._observe(Seen.NXDOMAIN, query_name=name)
            return False
        # With an alias in the answer, the target of the alias does not exist (RFC 6604 section 3).
        if not self._denied and not response.has("CNAME", name):
            self._denied = name
        return True

    def _report_hidden(self) -> None:
        """Report that this server denied a name above a zone that it now gave."""
        if self._denied:
            self._hidden.append(Hidden(self._server, self._denied))
            self._denied = ""

    async def _on_referral(self, name: str, response: Response) -> None:
        self._report_hidden()
        if name == self._target:
            self._observe(Seen.DELEGATION)
        else:
            self.found += await self._walk.servers_of(response, name, "authority")

    async def _on_nodata(self, name: str, response: Response) -> bool:
        # There is no zone cut at this name: the same server is queried for the next name (RFC 9156).
        if name != self._target:
            return True
        if response.has("CNAME", name):
            self._observe(Seen.CNAME)
            return False
        self._families.append(AddressFamily(self._server, "DNAME"))
        alias = await self._query(name, "DNAME")
        if alias and alias.aa and alias.rcode == "NOERROR" and alias.has("DNAME", name):
            self._observe(Seen.DNAME, alias.records("DNAME", name)[0].target)
        else:
            self._observe(Seen.NODATA)
        return False


def _exists(response: Response, above: str, target: str) -> bool:
    """Return whether a response about `target` shows that there are names below `above`: an answer or a referral."""
    if response.is_referral:
        owners = [record.owner for record in response.records("NS", None, "authority")]
        return any(names.is_below(owner, above) and names.is_in_domain(target, owner) for owner in owners)
    return response.rcode == "NOERROR" and response.aa


def _is_authoritative_soa(response: Response, name: str) -> bool:
    """Return whether the response is authoritative and has exactly one SOA record, with the given owner."""
    records = response.records("SOA")
    return response.rcode == "NOERROR" and response.aa and len(records) == 1 and records[0].owner == name


def _is_authoritative_ns(response: Response, name: str) -> bool:
    """Return whether the response is authoritative and has NS records, all with the given owner."""
    records = response.records("NS")
    return (
        response.rcode == "NOERROR"
        and response.aa
        and bool(records)
        and all(record.owner == name for record in records)
    )
