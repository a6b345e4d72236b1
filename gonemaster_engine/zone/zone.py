"""The zone under test, with the queries and derived data that test cases use.

"Get-..." refers to the methods of MethodsV2, "Method 1" to "Method 5" to those of Methods, both specifications of
Zonemaster. Each is computed once per run, on first use. None means an undefined set.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from gonemaster_engine import names
from gonemaster_engine.addresses import accounting_address
from gonemaster_engine.asn.lookup import AsnLookup
from gonemaster_engine.budget import Admission
from gonemaster_engine.context import DSInfo, RunContext
from gonemaster_engine.dnssec.verify import Verifier
from gonemaster_engine.errors import WireError
from gonemaster_engine.net.server import trace
from gonemaster_engine.net.server.nameserver import Nameserver, nameserver_order, query_all
from gonemaster_engine.net.wire.messages import DNSSEC_PAYLOAD, PLAIN_PAYLOAD, Edns, Response, Section, dns_name
from gonemaster_engine.resolver.delegation_walk import DelegationWalk, Walk
from gonemaster_engine.resolver.recursor import (
    TARGET_UNRESOLVED,
    CnameProblem,
    Recursor,
    glue_addresses,
    is_conclusive,
)
from gonemaster_engine.waiting import SILENCE_TIMEOUT_S, first_done

if TYPE_CHECKING:
    import dns.message

_T = TypeVar("_T")

_NAMES_AT_ONCE = 16  # names whose addresses are queried at all servers concurrently; few zones have more
_ADDRESS_TYPES = ("A", "AAAA")
_PAUSE_S = 0.1  # long enough to read the responses to that many queries
_ADDRESS_RECORD_OCTETS = 28  # AAAA with a compressed owner
_ALMOST_FULL_OCTETS = PLAIN_PAYLOAD - 2 * _ADDRESS_RECORD_OCTETS  # a larger response may lack glue

Delegation = dict[str, list[str]]
"""NS names and their addresses, which may be empty; names and addresses are sorted."""


class AddressVerdict(NamedTuple):
    """The DNSSEC status of the addresses of an in-domain name server.

    `signer` and `key_tag` are set if the status concerns them.
    """

    name: str
    status: str
    signer: str
    key_tag: int


class Zone:
    """A zone of a run. `Zone.of` returns another zone of the same run."""

    def __init__(self, context: RunContext, recursor: Recursor, asn: AsnLookup, *, name: str | None = None) -> None:
        self.context = context
        self.recursor = recursor
        self.asn = asn
        self.name = context.zone_name if name is None else name
        self._once: dict[str, asyncio.Task[Any]] = {}
        self._others: dict[str, Zone] = {}
        self._servers: dict[str, list[Nameserver]] = {}  # by the key of the computed data
        self._unanswered: set[tuple[str, str]] = set()  # names in the zone and types that no server answered or denied
        self.address_verdicts: dict[
            AddressVerdict, set[Nameserver]
        ] = {}  # set by dnssec22, with the servers that returned them

    def __repr__(self) -> str:
        return f"<Zone {self.name}>"

    @property
    def is_root(self) -> bool:
        """Whether the zone is the root zone."""
        return self.name == names.ROOT

    @property
    def is_tld(self) -> bool:
        """Whether its name has at most one label."""
        return "." not in self.name or self.is_root

    @property
    def undelegated(self) -> bool:
        """Whether the user supplied its name servers."""
        return self.name == self.context.zone_name and bool(self.context.undelegated.servers)

    @property
    def supplied_ds(self) -> tuple[DSInfo, ...]:
        """The DS records that the user supplied."""
        found = self.context.undelegated.ds if self.name == self.context.zone_name else ()
        if found and self.context.log.traces_queries:
            trace.supplied_ds(self.context.log, self.name)
        return found

    @cached_property
    def now(self) -> int:
        """The time of the run, POSIX seconds; the same for all cases."""
        return int(self.context.clock())

    @property
    def verifier(self) -> Verifier:
        """The verifier of the run, which verifies each signature once."""
        return self.context.verifier

    async def wait_for_turn(self, work_us: int = 0) -> None:
        """Wait for a turn of the event loop with time left, and reserve `work_us` microseconds of it."""
        turns = self.context.turns
        if turns.is_over:
            await turns.wait()
        turns.spend(work_us)

    def setting(self, case_id: str, name: str) -> Any:
        """Return a setting of a test case from the profile (`test_cases_vars`)."""
        return self.context.profile.setting(case_id, name)

    def nameserver(self, name: str, address: str) -> Nameserver:
        """Return the name server with the given name and address."""
        return self.context.nameserver(name, address)

    def of(self, name: str) -> Zone:
        """Return another zone of the same run."""
        if name == self.name:
            return self
        other = self._others.get(name)
        if other is None:
            other = self._others[name] = Zone(self.context, self.recursor, self.asn, name=name)
        return other

    async def _cached(self, key: str, compute: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        task = self._once.get(key)
        if task is None:
            task = self._once[key] = self.context.start(compute())
        found = cast("_T", await task)
        await self.wait_for_turn()  # many test cases may wait for it
        return found

    # -- MethodsV2 ----------------------------------------------------------------------------------------------

    async def walk(self) -> Walk:
        """Return the observations of the walk from the root towards this zone."""
        return await self._cached("walk", self._walker.run)

    @cached_property
    def _walker(self) -> DelegationWalk:
        return DelegationWalk(self.context, self.recursor, self.name)

    def servers_on_the_way(self) -> dict[str, list[Nameserver]]:
        """Return the servers of the zones above this one, as far as the walk has found them."""
        return self._walker.servers_by_zone()

    @property
    def finished_walk(self) -> Walk | None:
        """The observations of the walk if it has finished without an error, None otherwise."""
        walk: asyncio.Task[Walk] | None = self._once.get("walk")
        return walk.result() if walk and walk.done() and not walk.cancelled() and not walk.exception() else None

    async def parent_servers(self) -> list[Nameserver] | None:
        """Return the servers of the parent zone; empty for the root and for supplied delegations.

        Get-Parent-NS-Names-and-IPs
        """
        if self.is_root or self.undelegated:
            return []
        return (await self.walk()).parent_servers or None

    async def delegation(self) -> Delegation | None:
        """Return the delegation: in-domain names with their glue, the others with their resolved addresses.

        Get-Del-NS-Names-and-IPs
        """
        return await self._cached("delegation", self._delegation)

    async def delegation_names(self) -> list[str] | None:
        """Return the names of the delegation. Get-Del-NS-Names."""
        delegation = await self.delegation()
        return None if delegation is None else list(delegation)

    async def delegation_servers(self) -> list[Nameserver] | None:
        """Return the delegation as name servers, without names that have no address."""
        return self._as_servers("delegation", await self.delegation())

    async def apex(self) -> Delegation | None:
        """Return the NS set of the zone's own servers: in-domain names with the zone's addresses, the others resolved.

        Get-Zone-NS-Names-and-IPs
        """
        return await self._cached("apex", self._apex)

    async def apex_names(self) -> list[str] | None:
        """Return the NS names from the zone's own servers. Get-Zone-NS-Names."""
        return await self._cached("apex_names", self._apex_names)

    async def apex_servers(self) -> list[Nameserver] | None:
        """Return the NS set of the zone's own servers as name servers, without names that have no address."""
        return self._as_servers("apex", await self.apex())

    async def apex_is_known(self) -> bool:
        """Return whether a server of the delegation has returned the zone's NS set; True if there are no servers."""
        servers = _one_per_address(await self.delegation_servers() or [])
        answers = await query_all(servers, self.name, "NS")
        return not servers or any(is_conclusive(response) and response.aa for _, response in answers)

    async def names_with_unknown_address(self, rtype: str) -> set[str]:
        """Return the names of delegation and apex whose A or AAAA records no server gave or denied.

        A name with glue of this type has a known address even if the zone's own servers do not answer.
        """
        delegation, apex = await self.delegation() or {}, await self.apex() or {}
        unanswered = {name for name, missing in (self._unanswered | self.recursor.unanswered) if missing == rtype}
        return {
            name
            for name in unanswered & {*delegation, *apex}
            if not any(
                (":" in address) == (rtype == "AAAA") for found in (delegation, apex) for address in found.get(name, ())
            )
        }

    def unresolved_names(self) -> list[str]:
        """Return the names without any address in the delegation and the apex, as far as these were computed."""
        return sorted(name for name, addresses in self.found_servers().items() if not addresses)

    def found_servers(self) -> Delegation:
        """Return the names of the delegation and the apex with their addresses, as far as these were computed."""
        ended = (task for key, task in self._once.items() if key in {"delegation", "apex"} and _has_result(task))
        found: dict[str, set[str]] = {}
        for task in ended:
            for name, addresses in (task.result() or {}).items():
                found.setdefault(name, set()).update(addresses)
        return {name: sorted(addresses) for name, addresses in sorted(found.items())}

    def _as_servers(self, key: str, delegation: Delegation | None) -> list[Nameserver] | None:
        if delegation is None:
            return None
        servers = self._servers.get(key)
        if servers is None:
            servers = self._servers[key] = self.context.nameservers(delegation)
        return servers.copy()

    async def _delegation(self) -> Delegation | None:
        glue = await self._glue()
        if glue is None:
            return None
        delegation = await self._with_resolved(glue)
        if self.name == self.context.zone_name:
            self.context.budget.add_delegated(
                accounting_address(each) for found in delegation.values() for each in found
            )
        return delegation

    async def _glue(self) -> dict[str, set[str]] | None:
        """Return the names of the delegation, with glue for in-domain names. Get-Delegation."""
        supplied = self.context.undelegated.servers
        if self.undelegated:
            return {name: set(found) if self._is_in_domain(name) else set() for name, found in supplied.items()}
        if self.is_root:
            return {name: set(addresses) for name, addresses in self.context.root_hints.items()}
        parents = await self.parent_servers()
        if not parents:
            return None
        referred: dict[str, set[str]] = {}
        glue: dict[str, set[str]] = {}
        for server, response in await self.query_delegation(_one_per_address(parents)):
            if response is None or response.rcode != "NOERROR":
                continue
            if response.is_referral_to(self.name):
                self._collect(response, "authority", referred)
            elif response.aa and response.has("NS", self.name):
                await self._collect_child_ns(server, response, glue)
        return referred or glue

    async def query_delegation(self, parents: Sequence[Nameserver]) -> list[tuple[Nameserver, Response | None]]:
        """Query the NS records of the zone, and repeat with EDNS if the size limit may have removed glue."""
        plain = await query_all(parents, self.name, "NS")
        full = [
            server
            for server, response in plain
            if response and not response.over_tcp and response.size > _ALMOST_FULL_OCTETS
        ]
        larger = dict(await query_all(full, self.name, "NS", edns=Edns(payload=DNSSEC_PAYLOAD)))
        return [(server, larger.get(server) or response) for server, response in plain]

    def admitted_names(self, names_: Iterable[str]) -> list[str]:
        """Return the zone's name server names that are within the limits of the run, sorted."""
        return self._admission.names(names_)

    def admitted(self, by_name: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
        """Return the zone's name servers and addresses that are within the limits of the run, sorted."""
        return self._admission.addresses(by_name)

    @property
    def lacks_servers(self) -> bool:
        """Whether name servers or addresses were left out because of a limit."""
        return self._admission.is_cut

    def mail_servers(self, hosts: Iterable[str]) -> list[str]:
        """Return the mail servers that are within the limits of the run, sorted."""
        return self.context.budget.mail_servers(hosts)

    @property
    def omits_mail_servers(self) -> bool:
        """Whether mail servers or mail domains were left out because of a limit."""
        return "max_mail_servers" in self.context.budget.left_out

    @property
    def _admission(self) -> Admission:
        return self.context.budget.admission(self.name)

    def _is_in_domain(self, name: str) -> bool:
        return names.is_in_domain(name, self.name)

    def _collect(self, response: Response, section: Section, into: dict[str, set[str]]) -> list[str]:
        """Add the NS names with their glue; return the in-domain names without glue in this response."""
        missing = []
        targets = {record.target for record in response.records("NS", self.name, section)}
        for target in self._admission.names(targets):
            glue = glue_addresses(response, target, self.name)
            into.setdefault(target, set()).update(glue)
            if not glue and self._is_in_domain(target):
                missing.append(target)
        return missing

    async def _collect_child_ns(self, server: Nameserver, response: Response, into: dict[str, set[str]]) -> None:
        """Add the NS names of a zone that the parent's servers serve themselves."""
        for name in self._collect(response, "answer", into):
            into[name] |= await self._addresses_at([server], name)

    async def _addresses_at(self, servers: Sequence[Nameserver], name: str) -> set[str]:
        """Return the addresses that these servers give for a name; referrals and aliases are followed."""
        pending = []
        for server in servers:
            await self.wait_for_turn()
            pending += [(rtype, server.query(name, rtype)) for rtype in _ADDRESS_TYPES]
        found: set[str] = set()
        answered: set[str] = set()
        is_delegated_elsewhere = False
        for rtype, answer in pending:
            response = await answer
            if is_conclusive(response) and response.aa:
                answered.add(rtype)
            if response is None or response.rcode != "NOERROR":
                continue
            if response.aa:
                found.update(record.address for record in response.records(rtype, name))
            is_delegated_elsewhere |= response.is_referral or (response.aa and response.has("CNAME", name))
        if is_delegated_elsewhere:
            found.update(await self.recursor.addresses(name))
        else:
            self._unanswered.update((name, rtype) for rtype in _ADDRESS_TYPES if rtype not in answered)
        return found

    async def _apex_names(self) -> list[str] | None:
        servers = await self.delegation_servers()
        if servers is None:
            return None
        servers = _one_per_address(servers)
        answers = [asyncio.ensure_future(server.query(self.name, "NS")) for server in servers]
        ahead = self.context.start(self._query_early(servers, answers))
        found: set[str] = set()
        for answer in answers:
            found |= self._apex_targets(await answer)
        ahead.cancel()
        return self._admission.names(found)

    def _apex_targets(self, response: Response | None) -> set[str]:
        return {record.target for record in response.records("NS", self.name)} if response and response.aa else set()

    async def _query_early(
        self, servers: Sequence[Nameserver], answers: Sequence[asyncio.Future[Response | None]]
    ) -> None:
        """Query the addresses of the NS set known so far at servers that have answered, while others are silent.

        Both waits then overlap. Only names that are already admitted are queried: the choice of names must not
        depend on the order of answers.
        """
        await asyncio.sleep(SILENCE_TIMEOUT_S)
        admitted = {name for name in await self.delegation_names() or () if self._is_in_domain(name)}
        queried: set[Nameserver] = set()
        while pending := [answer for answer in answers if not answer.done()]:
            inside = sorted(admitted & self._known_targets(answers))
            ready = [server for server in servers if server.server.health.has_answered and server not in queried]
            queried.update(ready if inside else ())
            ready = self._within_lookups(ready, inside)
            for start in range(0, len(inside), _NAMES_AT_ONCE):
                for server, name in itertools.product(ready, inside[start : start + _NAMES_AT_ONCE]):
                    await self.wait_for_turn()
                    for rtype in _ADDRESS_TYPES:
                        server.query(name, rtype)
                await asyncio.sleep(_PAUSE_S)
            await first_done(pending)

    def _known_targets(self, answers: Iterable[asyncio.Future[Response | None]]) -> set[str]:
        return {name for answer in answers if answer.done() for name in self._apex_targets(answer.result())}

    async def _apex(self) -> Delegation | None:
        found = await self.apex_names()
        if found is None:
            return None
        servers = _one_per_address(await self.delegation_servers() or [])
        inside = [name for name in found if self._is_in_domain(name)]
        servers = self._within_lookups(servers, inside)
        queried: list[asyncio.Task[set[str]]] = []
        for start in range(0, len(inside), _NAMES_AT_ONCE):  # queries for all names at all servers would block the loop
            if queried:
                await asyncio.wait(queried, timeout=_PAUSE_S)
            queried += [
                self.context.start(self._addresses_at(servers, name)) for name in inside[start:][:_NAMES_AT_ONCE]
            ]
        addresses = await asyncio.gather(*queried)
        return await self._with_resolved(
            {name: set[str]() for name in found} | dict(zip(inside, addresses, strict=True))
        )

    def _within_lookups(self, servers: list[Nameserver], of: Sequence[str]) -> list[Nameserver]:
        """Return the servers that may be queried for the addresses of this number of names, and report the others."""
        maximum = self.context.budget.limits.max_address_lookups
        count = maximum // max(1, len(of))
        for server in servers[count:]:
            self.context.budget.omit("max_address_lookups", maximum, f"{server.name}/{server.address}")
        return servers[:count]

    async def _with_resolved(self, found: dict[str, set[str]]) -> Delegation:
        """Add the addresses of the names that are not in-domain. Get-OOB-IPs."""
        outside = [name for name in found if not self._is_in_domain(name)]
        for name, addresses in zip(outside, await self.addresses(outside), strict=True):
            found[name].update(addresses)
        return self._admission.addresses(found)

    async def addresses(self, of: Iterable[str]) -> list[list[str]]:
        """Return the addresses of each name; supplied addresses replace resolved ones."""
        return await asyncio.gather(*(self.recursor.addresses(name) for name in of))

    # -- Methods ------------------------------------------------------------------------------------------------

    async def parent_zone(self) -> Zone | None:
        """Return the zone that delegates this one, or None. Method 1."""
        if self.is_root:
            return None
        walk = await self.walk()
        candidates = [each.zone for each in walk.observations]
        return self.of(candidates[0]) if candidates else None

    async def glue_names(self) -> list[str]:
        """Return the names of the delegation. Method 2."""
        return await self.delegation_names() or []

    async def glue(self) -> list[Nameserver]:
        """Return the servers of the delegation. Method 4."""
        return await self.delegation_servers() or []

    async def ns_names(self) -> list[str]:
        """Return the NS names of the zone itself. Method 3."""
        return await self.apex_names() or []

    async def ns(self) -> list[Nameserver]:
        """Return the servers from the NS set of the zone itself. Method 5."""
        return await self.apex_servers() or []

    async def all_names(self) -> list[str]:
        """Return the names of delegation and zone. Methods 2 and 3."""
        return sorted({*await self.glue_names(), *await self.ns_names()})

    async def all_servers(self) -> list[Nameserver]:
        """Return the servers of delegation and zone. Methods 4 and 5."""
        servers = self._servers.get("all")
        if servers is None:
            found = {*await self.glue(), *await self.ns()}
            servers = self._servers["all"] = sorted(found, key=nameserver_order)
        return servers.copy()

    async def cname_problems(self, of: Iterable[str]) -> list[CnameProblem]:
        """Return the alias problems of these names; an alias that resolves in only one address family is fine."""
        names_ = sorted(set(of))
        problems = self.recursor.problems
        found = zip(names_, await self.addresses(names_), strict=True)
        return [
            problems[name]
            for name, addresses in found
            if name in problems and not (addresses and problems[name].kind == TARGET_UNRESOLVED)
        ]

    # -- queries ----------------------------------------------------------------------------------------------

    async def servers(self) -> list[Nameserver]:
        """Return the servers to query for the zone: its own, otherwise those of the delegation; one per address."""
        return _one_per_address(await self.ns() or await self.glue())

    async def query_auth(self, qname: str, qtype: str, **options: Any) -> Response | None:
        """Return the first authoritative response of the zone's servers, queried in turn."""
        for server in await self.servers():
            response = await server.query(qname, qtype, **options)
            if response and response.aa:
                return response
        return None

    async def query_all(
        self, qname: str, qtype: str, servers: Iterable[Nameserver] | None = None, **options: Any
    ) -> list[tuple[Nameserver, Response | None]]:
        """Return the responses of the zone's servers, or of the given servers, which are queried concurrently."""
        return await query_all(await self.servers() if servers is None else servers, qname, qtype, **options)

    async def query_parent(self, qtype: str, qname: str | None = None, **options: Any) -> Response | None:
        """Return the first usable response of the parent's servers, or a response built from supplied data."""
        qname = qname or self.name
        if self.undelegated or (qtype == "DS" and self.supplied_ds):
            return self._supplied_response(qname, qtype)
        for _, response in await query_all(
            _one_per_address(await self.parent_servers() or []), qname, qtype, **options
        ):
            if response and response.rcode in {"NOERROR", "NXDOMAIN"}:
                return response
        return None

    def _supplied_response(self, qname: str, qtype: str) -> Response | None:
        """Return the response that the parent's servers would send if the supplied data were in their zone."""
        import dns.flags
        import dns.message  # imported here, since few runs have supplied data and it is slow to load
        import dns.rrset

        query = dns.message.make_query(dns_name(qname), qtype)
        message = dns.message.make_response(query)
        if qtype == "DS" and qname == self.name:
            message.flags |= dns.flags.AA
            if self.supplied_ds:
                texts = [f"{ds.keytag} {ds.algorithm} {ds.digtype} {ds.digest}" for ds in self.supplied_ds]
                message.answer.append(dns.rrset.from_text(dns_name(self.name), 3600, "IN", "DS", *texts))
        elif names.is_in_domain(qname, self.name):
            self._add_referral(message)
        wire = message.to_wire()
        if self.context.log.traces_queries:
            trace.supplied_delegation(self.context.log, qname, qtype, zone=self.name, wire=wire)
        try:
            return Response(wire)
        except WireError:
            return None

    def _add_referral(self, message: dns.message.Message) -> None:
        import dns.rrset

        supplied = self.context.undelegated.servers
        targets = [str(dns_name(name)) for name in supplied]
        message.authority.append(dns.rrset.from_text(dns_name(self.name), 3600, "IN", "NS", *targets))
        for name, addresses in supplied.items():
            for address in addresses if self._is_in_domain(name) else ():
                rtype = "AAAA" if ":" in address else "A"
                message.additional.append(dns.rrset.from_text(dns_name(name), 3600, "IN", rtype, address))


def _has_result(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _one_per_address(servers: Sequence[Nameserver]) -> list[Nameserver]:
    """Return the servers without those that repeat an address."""
    return list({server.address: server for server in reversed(servers)}.values())[::-1]
