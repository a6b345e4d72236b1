"""Iterative resolution from the root, for names outside the tested zone.

Known zone cuts are shared between the runs of a process, except at and below the tested zone: the subject of a test is
always queried. Supplied delegation data replace the data of the tested zone's parent; such a run shares nothing
(`RunContext`).

Source: RFC 1034 section 5.3.3, RFC 2181 section 5.4.1 (trustworthiness of data), RFC 9471 (glue).
"""

from __future__ import annotations

import asyncio
import itertools
import zlib
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeGuard, TypeVar

from gonemaster_engine import names
from gonemaster_engine.context import RunContext
from gonemaster_engine.net.cache import ZoneCut
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.server.pending import count_as_queried, counted_apart
from gonemaster_engine.net.wire.messages import Record, Response
from gonemaster_engine.net.wire.rrtypes import CNAME
from gonemaster_engine.waiting import first_done

CNAME_MAX_CHAIN_LENGTH = 10  # maximum number of responses in a chain
CNAME_MAX_RECORDS = 9  # maximum in one response
_MAX_REFERRALS = 30  # per resolution
_MAX_DEPTH = 8  # nested lookups of name server names
_HEDGE_S = 1.0  # after this time the next server is queried, too
_ONE_BY_ONE = 2  # servers; if all of these are silent, the others are queried concurrently
_MAX_SERVERS = 20  # servers queried for one query
_MAX_STEPS = 200  # queries and name server lookups per resolution

CHAIN_TOO_LONG = "CNAME_CHAIN_TOO_LONG"
TARGET_UNRESOLVED = "CNAME_TARGET_UNRESOLVED"
TOO_MANY_RECORDS = "CNAME_TOO_MANY_RECORDS"

_ABOUT_NAME = frozenset({0, 3})  # the RCODEs NOERROR and NXDOMAIN
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, order=True)
class CnameProblem:
    """A CNAME chain that did not lead to data; `kind` is its message tag."""

    kind: str
    query_name: str
    cname_target: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The result of a resolution: the last response, and the problem with its aliases, if any."""

    response: Response | None
    problem: CnameProblem | None = None
    name: str = ""  # owner of the data: the query name, or the end of its alias chain

    def records(self, rtype: str) -> list[Record]:
        """Return the records of the given type at the end of the chain."""
        return self.response.records(rtype, self.name) if self.response else []


_NOTHING = Resolution(None)


class _Search:
    """One resolution: the names being looked up for it, and the number of its steps.

    The limit on steps bounds the work if the servers of a zone are in other zones, whose servers are in other zones,
    and so on; a limit on the depth alone does not (NXNSAttack, 2020).
    """

    __slots__ = ("_names", "_steps")

    def __init__(self, looked_up: tuple[str, ...] = (), steps: itertools.count[int] | None = None) -> None:
        self._names = looked_up
        self._steps = steps or itertools.count(1)

    def within(self, name: str) -> _Search:
        """Return the part of this search that looks up `name`, a name server or the zone that it serves."""
        return _Search((*self._names, name), self._steps)

    def can_look_up(self, name: str) -> bool:
        """Return whether a name can be looked up for this search without a loop and within the depth limit."""
        return name not in self._names and len(self._names) < _MAX_DEPTH

    def may_continue(self) -> bool:
        """Count a step, and return whether it is within the limit."""
        return next(self._steps) <= _MAX_STEPS


class _Lookup(Generic[_T]):
    """A lookup that concurrent test cases share: its unanswered queries count for each of them.

    Otherwise they would count for the case that happens to be first.
    """

    __slots__ = ("_task", "_unanswered")

    def __init__(self, context: RunContext, work: Coroutine[Any, Any, _T]) -> None:
        with counted_apart() as self._unanswered:
            self._task = context.start(work)

    async def result(self) -> _T:
        """Return the result of the lookup."""
        found = await self._task
        count_as_queried(self._unanswered)
        return found


class Recursor:
    """Resolves names for one run."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._cuts: dict[str, ZoneCut] = {}
        self._servers: dict[str, tuple[ZoneCut, list[Nameserver]]] = {}  # servers with known addresses, by zone
        self._resolutions: dict[tuple[str, str, bool], _Lookup[Resolution]] = {}
        self._addresses: dict[str, _Lookup[list[str]]] = {}
        self.problems: dict[str, CnameProblem] = {}  # by query name
        self.unanswered: set[tuple[str, str]] = (
            set()
        )  # address queries (name and type) that no server answered or denied
        root = tuple((name, tuple(addresses)) for name, addresses in context.root_hints.items())
        self._cuts[names.ROOT] = ZoneCut(names.ROOT, root)
        supplied = context.undelegated.servers
        if supplied:
            # In an undelegated test, the supplied servers replace the delegation of the parent.
            servers = tuple((name, tuple(addresses)) for name, addresses in sorted(supplied.items()))
            self._cuts[context.zone_name] = ZoneCut(context.zone_name, servers)

    async def resolve(self, qname: str, qtype: str, *, dnssec: bool = False) -> Resolution:
        """Return the answer to a query, with aliases followed."""
        key = (qname, qtype, dnssec)
        lookup = self._resolutions.get(key)
        if lookup is None:
            if self._context.log.traces_queries:
                self._context.log.system("RECURSE", query_name=qname, query_type=qtype, query_class="IN")
            lookup = self._resolutions[key] = _Lookup(self._context, self._resolve(qname, qtype, dnssec, _Search()))
        return await lookup.result()

    async def addresses(self, name: str) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name, sorted; empty if there are none or no server answers."""
        lookup = self._addresses.get(name)
        if lookup is None:
            lookup = self._addresses[name] = _Lookup(self._context, self._all_addresses(name))
        return await lookup.result()

    async def _all_addresses(self, name: str) -> list[str]:
        failed: set[str] = set()
        found = await self._find_addresses(name, _Search(), failed)
        self.unanswered.update((name, rtype) for rtype in failed)
        return found

    async def _find_addresses(self, name: str, search: _Search, failed: set[str] | None = None) -> list[str]:
        supplied = self._context.undelegated.servers.get(name)
        if supplied:
            return sorted(supplied, key=_address_order)
        if not search.can_look_up(name):
            return []
        found: set[str] = set()
        within = search.within(name)
        # The queries are sequential, because the first one usually determines the zone cut. If it takes long, the
        # second one starts early.
        first = self._context.start(self._resolve(name, "A", False, within))
        await first_done([first], until=self._context.loop.time() + _HEDGE_S)
        second = self._context.start(self._resolve(name, "AAAA", False, within))
        for rtype, task in (("A", first), ("AAAA", second)):
            resolution = await task
            found.update(record.address for record in resolution.records(rtype))
            if failed is not None and not is_conclusive(resolution.response):
                failed.add(rtype)
        return sorted(found, key=_address_order)

    async def _resolve(self, qname: str, qtype: str, dnssec: bool, search: _Search) -> Resolution:
        name = qname
        seen = {qname}
        for _ in range(CNAME_MAX_CHAIN_LENGTH):
            response = await self._iterate(name, qtype, dnssec=dnssec, search=search)
            if response is None:
                return self._unresolved(qname, name, None)
            if sum(record.type == CNAME for record in response.answer) > CNAME_MAX_RECORDS:
                return self._fail(CnameProblem(TOO_MANY_RECORDS, qname), response)
            end = follow_aliases(response, name, qtype)
            if end == name or qtype == "CNAME":
                return self._unresolved(qname, name, response)
            if end is None or end in seen:
                return self._fail(CnameProblem(TARGET_UNRESOLVED, qname, _first_target(response, name)), response)
            seen.add(end)
            if response.has(qtype, end):
                return Resolution(response, None, end)
            name = end
        return self._fail(CnameProblem(CHAIN_TOO_LONG, qname), None)

    def _unresolved(self, qname: str, name: str, response: Response | None) -> Resolution:
        """Return a resolution that ends at `name`; without data there, the alias is unresolved."""
        if name == qname:
            return Resolution(response, None, name) if response else _NOTHING
        if response is None or not any(record.owner == name for record in response.answer):
            return self._fail(CnameProblem(TARGET_UNRESOLVED, qname, name), response)
        return Resolution(response, None, name)

    def _fail(self, problem: CnameProblem, response: Response | None) -> Resolution:
        self.problems.setdefault(problem.query_name, problem)
        return Resolution(response, problem, problem.query_name)

    async def _iterate(self, qname: str, qtype: str, *, dnssec: bool, search: _Search) -> Response | None:
        """Follow referrals from the closest known zone cut until a server answers the query itself."""
        cut = self._closest_cut(qname, qtype)
        last: Response | None = None
        for _ in range(_MAX_REFERRALS):
            response = await self._query_zone(cut, qname, qtype, dnssec=dnssec, search=search)
            if response is None:
                return last
            deeper = _deeper_zone(response, cut.zone, qname)
            if deeper is None:
                return response
            # A referral with an answer holds an alias, which is used if no server of the zone below responds.
            last = response if response.answer else None
            cut = self._add_cut(deeper, response, cut.zone)
        return None

    def _closest_cut(self, qname: str, qtype: str) -> ZoneCut:
        # DS records are on the parent's side of the zone cut (RFC 4035 section 2.4).
        start = names.parent(qname) if qtype == "DS" else qname
        for zone in names.ancestors(start):
            cut = self._cuts.get(zone)
            if cut is None and self._can_share(zone):
                cut = self._context.hot.find_cut(zone, self._context.lifetimes)
            if cut is not None:
                return cut
        return self._cuts[names.ROOT]

    def _can_share(self, zone: str) -> bool:
        return not names.is_in_domain(zone, self._context.zone_name)

    def _add_cut(self, zone: str, referral: Response, parent: str) -> ZoneCut:
        """Store a zone cut; glue counts if it belongs to one of its servers and is in the parent's domain."""
        records = referral.records("NS", zone, "authority")
        limits = self._context.budget.limits
        targets = sorted({record.target for record in records})[: limits.max_nameservers]
        # More servers than are ever queried here would only cost time.
        servers = tuple((target, glue_addresses(referral, target, parent)[:_MAX_SERVERS]) for target in targets)
        cut = self._cuts[zone] = ZoneCut(zone, servers)
        if self._can_share(zone):
            glue = [record for record in referral.additional if record.owner in targets]
            ttl_s = min(record.ttl for record in (*records, *glue))
            self._context.hot.store_cut(cut, self._context.lifetimes, ttl_s=ttl_s)
        return cut

    async def _query_zone(
        self, cut: ZoneCut, qname: str, qtype: str, *, dnssec: bool, search: _Search
    ) -> Response | None:
        """Query the servers with known addresses, then look up the others one by one and query them.

        Return the first usable response, otherwise the first response.
        """
        first: Response | None = None
        addresses: Mapping[str, Sequence[str]]
        known = {name: addresses for name, addresses in cut.servers if addresses}
        unknown = [name for name, addresses in cut.servers if not addresses]
        for name in (None, *unknown):
            if not search.may_continue():
                break
            if name:
                addresses = {name: await self._find_addresses(name, search.within(cut.zone))}
                servers = self._with_addresses(cut, addresses)
            else:
                addresses, servers = known, self._with_known_addresses(cut, known)
            if self._context.log.traces_queries:
                self._trace_skipped(addresses, qtype)
            response = await self._query(cut, servers, qname, qtype, dnssec=dnssec)
            if response and _is_usable(response, cut.zone, qname):
                return response
            first = first or response
        return first

    def _trace_skipped(self, addresses: Mapping[str, Sequence[str]], qtype: str) -> None:
        for name, of_name in addresses.items():
            for address in of_name:
                if not self._context.uses_family(ipv6=":" in address):
                    tag = f"SKIP_IPV{6 if ':' in address else 4}_DISABLED"
                    self._context.log.system(tag, ns=name, address=address, query_type=qtype)

    def _trace_step(self, cut: ZoneCut, server: Nameserver, qname: str, qtype: str) -> None:
        about = {"source": cut.zone, "ns": server.name, "address": server.address}
        self._context.log.system("RECURSE_QUERY", **about, query_name=qname, query_type=qtype, query_class="IN")

    def _with_known_addresses(self, cut: ZoneCut, addresses: Mapping[str, Sequence[str]]) -> list[Nameserver]:
        """Return the servers whose addresses came with the cut; cached, because a run uses a cut many times."""
        found = self._servers.get(cut.zone)
        if found is None or found[0] is not cut:
            found = self._servers[cut.zone] = cut, self._with_addresses(cut, addresses)
        return found[1]

    def _with_addresses(self, cut: ZoneCut, addresses: Mapping[str, Sequence[str]]) -> list[Nameserver]:
        """Return the servers to query, IPv4 first."""
        context = self._context
        pairs = [
            (":" in address, name, address)
            for name, of_name in addresses.items()
            for address in of_name
            if context.uses_family(ipv6=":" in address)
        ]
        pairs.sort()
        count = sum(not is_ipv6 for is_ipv6, _, _ in pairs)
        # Spread the load over the servers, but let the same test query the same servers.
        turn = zlib.crc32((context.zone_name + cut.zone).encode()) % count if count else 0
        ordered = pairs[turn:count] + pairs[:turn] + pairs[count:]
        # Truncate before creating objects: a referral can hold a thousand addresses, and a run keeps all objects.
        return [context.nameserver(name, address) for _, name, address in ordered[:_MAX_SERVERS]]

    async def _query(
        self, cut: ZoneCut, servers: Sequence[Nameserver], qname: str, qtype: str, *, dnssec: bool
    ) -> Response | None:
        """Return the first usable response, or another one.

        Without a usable response all queries have ended. Only then do they count for the test case: which servers are
        queried until one responds depends on their speed.
        """
        with counted_apart() as queried:
            response = await self._query_in_turn(cut, servers, qname, qtype, dnssec=dnssec)
        if not (response and _is_usable(response, cut.zone, qname)):
            count_as_queried(queried)
        queried.clear()  # a socket that outlives the run keeps the context in which it was opened
        return response

    async def _query_in_turn(
        self, cut: ZoneCut, servers: Sequence[Nameserver], qname: str, qtype: str, *, dnssec: bool
    ) -> Response | None:
        """Query each server until a response is usable; a slow server does not delay the query to the next one."""
        shared = self._can_share(qname)
        answers = _QueriesInTurn(cut.zone, qname)
        for number, server in enumerate(servers, start=1):
            if self._context.log.traces_queries:
                self._trace_step(cut, server, qname, qtype)
            answer = asyncio.ensure_future(server.query(qname, qtype, dnssec=dnssec, shared=shared))
            answers.pending.add(answer)
            hedge_s = _HEDGE_S if number <= _ONE_BY_ONE else 0
            while answer in answers.pending and answers.usable is None:
                if not answer.done():
                    await first_done(answers.pending, until=self._context.loop.time() + hedge_s)
                if not answers.take():
                    break  # query the next server as well
            if answers.usable:
                return answers.usable
        while answers.pending and answers.usable is None:
            await first_done(answers.pending)
            answers.take()
        return answers.usable or answers.fallback


@dataclass(slots=True)
class _QueriesInTurn:
    """The queries in progress for one name, the first usable response and the first other one."""

    zone: str
    qname: str
    pending: set[asyncio.Future[Response | None]] = field(default_factory=set)
    usable: Response | None = None
    fallback: Response | None = None

    def take(self) -> bool:
        """Take the responses that have arrived; return whether any query ended."""
        done = {each for each in self.pending if each.done()}
        self.pending -= done
        for response in [each.result() for each in done]:
            if response and _is_usable(response, self.zone, self.qname):
                self.usable = self.usable or response
            else:
                self.fallback = self.fallback or response
        return bool(done)


def follow_aliases(response: Response, qname: str, qtype: str) -> str | None:
    """Return the name at the end of the alias chain in the answer; None for a loop or for two aliases of one name.

    Source: RFC 1034 section 3.6.2, RFC 2181 section 10.1.
    """
    if qtype == "CNAME":
        return qname
    name, seen = qname, {qname}
    while aliases := response.records("CNAME", name):
        targets = {record.target for record in aliases}
        if len(targets) > 1 or targets & seen:
            return None
        name = targets.pop()
        seen.add(name)
    return name


def glue_addresses(response: Response, nameserver: str, zone: str) -> tuple[str, ...]:
    """Return the addresses of a name server in the additional section, if its name is in that zone's domain."""
    if not names.is_in_domain(nameserver, zone):
        return ()
    found = {record.address for rtype in ("A", "AAAA") for record in response.records(rtype, nameserver, "additional")}
    return tuple(sorted(found, key=_address_order))


def _first_target(response: Response, name: str) -> str:
    return next((record.target for record in response.records("CNAME", name)), "")


def _deeper_zone(response: Response, zone: str, qname: str) -> str | None:
    """Return the zone that a referral delegates, below `zone` and at or above `qname`, or None."""
    if not response.is_referral:
        return None
    for record in response.records("NS", None, "authority"):
        if names.is_below(record.owner, zone) and names.is_in_domain(qname, record.owner):
            return record.owner
    return None


def is_conclusive(response: Response | None) -> TypeGuard[Response]:
    """Return whether a response gives or denies data.

    Other RCODEs concern the server (RFC 2308 section 7). A referral that ended a resolution, for example to the root,
    says nothing about the name.
    """
    if response is None or response.rcode_number not in _ABOUT_NAME:
        return False
    return not response.is_referral or bool(response.answer)


def _is_usable(response: Response, zone: str, qname: str) -> bool:
    """Return whether a response ends or advances the search; otherwise the next server is queried.

    A referral to the zone itself, to a zone above it or elsewhere does neither: followed, it could lead in a circle.
    """
    if response.rcode_number not in _ABOUT_NAME:
        return False
    return response.aa or bool(response.answer) or _deeper_zone(response, zone, qname) is not None


def _address_order(address: str) -> tuple[bool, str]:
    return (":" in address, address)
