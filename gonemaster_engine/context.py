"""The state that the parts of one run share: profile, log, servers, supplied delegation, clock."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gonemaster_engine.addresses import accounting_address
from gonemaster_engine.budget import Budget
from gonemaster_engine.dnssec.verify import Verifier
from gonemaster_engine.limits import DEFAULT_LIMITS, RunLimits
from gonemaster_engine.net.cache import Lifetimes, QueryKey
from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.server.nameserver import Nameserver, nameserver_order
from gonemaster_engine.net.server.pending import Answer, Undecided
from gonemaster_engine.net.server.server import Server
from gonemaster_engine.net.timings import NameserverTiming
from gonemaster_engine.net.transport import Timing
from gonemaster_engine.net.wire.messages import Response, ResponsePool
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resources import Resources, RunCaches
from gonemaster_engine.run_log import Log

_T = TypeVar("_T")
_EARLY_S = 1.5  # time until a query is retransmitted to an address that usually answers promptly


@dataclass(frozen=True, slots=True)
class DSInfo:
    """A DS record that the user supplied."""

    keytag: int
    algorithm: int
    digtype: int
    digest: str  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Undelegated:
    """Delegation data that the user supplied to replace the data of the parent zone."""

    servers: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # NS names and their addresses, which may be empty
    ds: tuple[DSInfo, ...] = ()

    @property
    def is_supplied(self) -> bool:
        """Whether the user supplied anything."""
        return bool(self.servers or self.ds)


class RunContext:
    """The state of one run."""

    def __init__(
        self,
        zone_name: str,
        profile: Profile,
        resources: Resources,
        *,
        log: Log,
        undelegated: Undelegated | None = None,
        restored: Iterable[tuple[str, QueryKey, Response | None]] = (),
        clock: Callable[[], float] = time.time,
        limits: RunLimits = DEFAULT_LIMITS,
    ) -> None:
        self.zone_name = zone_name
        self.profile = profile
        self.resources = resources
        self.root_hints = resources.root_hints  # Priming may replace those of later runs.
        self.log = log
        self.budget = Budget(limits)
        self.undelegated = self._admitted(undelegated or Undelegated())
        self.clock = clock
        self.loop = asyncio.get_running_loop()
        # so that the probes of an address fit into the limit for silent addresses
        tries = min(profile.retry, limits.max_silent_packets_per_address // limits.max_probes)
        self.timing = Timing(float(profile.timeout_s), float(profile.retrans_s), max(tries, 1))
        self.prompt_timing = dataclasses.replace(self.timing, early_s=_EARLY_S)
        self.probe_timing = dataclasses.replace(self.timing, tries=1)
        self.transport = resources.transport
        # Supplied data and restored answers are not part of the public DNS tree. Such a run has separate caches, which
        # is safer than checking a flag at each use.
        known = tuple(restored)
        has_separate_caches = self.undelegated.is_supplied or bool(known)
        self.caches = RunCaches.for_one_run() if has_separate_caches else resources.caches
        self.hot = self.caches.hot
        self._ipv6 = profile.ipv6 and resources.has_ipv6
        scope = f"{self._ipv6} {profile.network_settings}"
        self.lifetimes = Lifetimes(profile.positive_cache_ttl_s, profile.negative_cache_ttl_s, scope)
        self.queries = 0
        self.repeated_packets = 0
        self.undecided: dict[Answer, Undecided] = {}
        self.response_pool: ResponsePool = {}
        self.tcp_slots = asyncio.Semaphore(limits.max_tcp_connections)
        self.pace = RunPace()
        self.turns = resources.transport.turns_of(self.pace)
        self.verifier = Verifier(self.budget.end_verification, turns=self.turns)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.servers: dict[str, Server] = {}
        self._nameservers: dict[tuple[str, str], Nameserver] = {}
        for address, key, response in known:
            self.restore(address, key, response)
        self.budget.add_delegated(
            accounting_address(each) for found in self.undelegated.servers.values() for each in found
        )

    def _admitted(self, supplied: Undelegated) -> Undelegated:
        servers = self.budget.admission(self.zone_name).addresses(supplied.servers)
        return Undelegated({name: tuple(addresses) for name, addresses in servers.items()}, supplied.ds)

    def set_priority(self, *, is_urgent: bool) -> None:
        """Set whether this is a normal run; call this before its first query.

        Batch runs rest until all normal runs are closed.
        """
        self.pace.is_urgent = is_urgent
        self.turns = self.transport.turns_of(self.pace)
        self.verifier = Verifier(self.budget.end_verification, turns=self.turns)
        if is_urgent:
            self.transport.turns.normal_runs.begin()

    def uses_family(self, *, ipv6: bool) -> bool:
        """Return whether addresses of the given family are queried."""
        return self._ipv6 if ipv6 else self.profile.ipv4

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Start a task that belongs to the run and ends with it."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Stop all tasks of the run; waiting queries are not sent."""
        if self.pace.is_urgent:
            self.transport.turns.normal_runs.end()
        self.pace.is_over = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self.servers.values():
            server.close()

    def release(self) -> None:
        """Drop the servers, which refer to this run: without reference cycles, a run is freed immediately."""
        self.servers.clear()
        self._nameservers.clear()
        self.response_pool.clear()
        self.undecided.clear()
        self.budget.release()

    def server(self, address: str) -> Server:
        """Return the object of an address, of which the run has only one."""
        server = self.servers.get(address)
        if server is None:
            server = self.servers[address] = Server(self, address)
            if self.log.traces_queries:
                self.log.system("CACHE_CREATED", address=address)
        return server

    def nameserver(self, name: str, address: str) -> Nameserver:
        """Return the object of a name and address, of which the run has only one."""
        key = (name, address)
        nameserver = self._nameservers.get(key)
        if nameserver is None:
            if self.log.traces_queries:
                self._trace_nameserver(name, address)
            nameserver = self._nameservers[key] = Nameserver(name, self.server(address))
        return nameserver

    def _trace_nameserver(self, name: str, address: str) -> None:
        self.log.system("NS_CREATED", ns=name, address=address)
        if address in self.servers:
            self.log.system("CACHE_FETCHED", address=address)

    def nameservers(self, addresses_by_name: Mapping[str, Iterable[str]]) -> list[Nameserver]:
        """Return the name servers with these names and addresses, sorted and without duplicates."""
        return sorted(
            {self.nameserver(name, address) for name, addresses in addresses_by_name.items() for address in addresses},
            key=nameserver_order,
        )

    def timings(self) -> list[NameserverTiming]:
        """Return the response times of the queried name servers, sorted by name and address."""
        queried = [nameserver for nameserver in self._nameservers.values() if nameserver.server.health.was_queried]
        return [nameserver.server.timing(nameserver.name) for nameserver in sorted(queried, key=nameserver_order)]

    def answers(self) -> Iterable[tuple[str, QueryKey, Response | None]]:
        """Yield each finished query of the run: address, query, response."""
        for address, server in self.servers.items():
            for key, answer in server.cache.by_key.items():
                if answer.done() and not answer.cancelled():
                    yield address, key, answer.result()

    def restore(self, address: str, key: QueryKey, response: Response | None) -> None:
        """Set the answer to a query in advance, for example from a file."""
        self.server(address).restore(key, response)

    def restore_undecided(self, queries: Iterable[Undecided]) -> None:
        """Set which restored queries have no verdict."""
        for query in queries:
            if answer := self.server(query.address).cache.by_key.get(query.key):
                self.undecided[answer] = query
