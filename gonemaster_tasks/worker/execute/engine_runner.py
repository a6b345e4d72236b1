"""The engine as the runner of a worker: converts job options to arguments of run_test and results to records."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.asn.cache import Origin
from gonemaster_engine.automation.observation import Observation, observe
from gonemaster_engine.automation.transfer import TransferLimits
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.causes.registry import causes_of
from gonemaster_engine.net.pacing import AddressLimits, LeaseClient, Pacing
from gonemaster_engine.net.timings import NameserverTiming
from gonemaster_engine.policies.policy import Policy, load
from gonemaster_engine.policies.verdict import deciding_positions, judge_result
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.rst.document import parse_input
from gonemaster_engine.rst.rehearsal import rehearse_tld
from gonemaster_engine.run.as_names import AsName, look_up_as_names
from gonemaster_engine.run.reach import probe_families
from gonemaster_engine.run.run import DSInfo, RunResult, run_test
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig
from gonemaster_engine.scoring.score import compute_score
from gonemaster_tasks.config.address_types import NO_SERVERS
from gonemaster_tasks.config.profiles import base_profile, caller_limits
from gonemaster_tasks.config.settings import CurrentSettings, Settings
from gonemaster_tasks.worker.execute.engine_resources import (
    follow_settings,
    keep_root_primed,
    open_normal_runs,
    open_resources,
)
from gonemaster_tasks.worker.execute.profiles import Profiles, RunProfile, job_overrides
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder, Traffic, Usage
from gonemaster_tasks.worker.execute.stalls import StallDetector

# Origins of jobs that store a chain; a sweep would store one for each of millions of jobs.
_WITH_CHAIN = frozenset({"admin", "public"})
LARGEST_CHAIN = 60 * 1024  # bytes of JSON
_AS_NAMES_LIMIT_S = 15.0
_TIMING = tuple(field.name for field in fields(NameserverTiming))  # `asdict` would copy each value deeply.


class EngineRunner:
    """Runs tests with the engine; all runs of a process share sockets, hot cache and root hints.

    `scoring` returns the configuration in effect when a run ends; it is called in a thread and may block. It is not
    called while `known_scoring` returns the configuration at once: the change of threads takes 2 % of a clean zone.
    `lease_client` leases packets to name servers; without a lease client there is no limit. `clock` returns the
    time (POSIX seconds) at which signatures are validated. `primes_root` replaces bundled root hints by priming.
    """

    def __init__(
        self,
        live: CurrentSettings,
        scoring: Callable[[], ScoringConfig] = lambda: DEFAULT_CONFIG,
        *,
        known_scoring: Callable[[], ScoringConfig | None] = lambda: None,
        lease_client: LeaseClient | None = None,
        clock: Callable[[], float] = time.time,
        primes_root: bool = False,
    ) -> None:
        self._live = live
        self._scoring = scoring
        self._known_scoring = known_scoring
        self._lease_client = lease_client
        self._clock = clock
        self._pacing: Pacing | None = None
        self._profiles = Profiles(base_profile(live.base))
        self._applied = live.current
        self._resources: Resources | None = None
        self._stalls: StallDetector | None = None
        self._primes_root = primes_root
        self._priming: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open sockets and caches in the running event loop."""
        settings = self._applied = self._live.current
        if self._lease_client:
            self._pacing = Pacing(self._lease_client, self._limits)
        self._stalls = StallDetector()
        normal_runs = open_normal_runs(settings.data_dir)
        self._resources = open_resources(settings, pacing=self._pacing, normal_runs=normal_runs)
        if self._primes_root and not settings.root_hints_path:
            self._priming = asyncio.create_task(keep_root_primed(self._resources, settings))

    async def close(self) -> None:
        """Close the sockets."""
        if self._priming is not None:
            self._priming.cancel()
        if self._resources is not None:
            await self._resources.close()
        if self._lease_client:
            await self._lease_client.close()

    def usage(self) -> Usage:
        """Return the network usage of all runs so far."""
        resources = self._resources
        if resources is None:
            return Usage()
        transport, ipv6 = resources.transport, resources.transport.queries_ipv6
        waits, waited_s = (self._pacing.waits, self._pacing.waited_s) if self._pacing else (0, 0.0)
        cache = resources.caches.hot.lookups
        return Usage(transport.queries - ipv6, ipv6, *cache, waits=waits, waited_ms=round(waited_s * 1000))

    async def run(self, order: TestOrder, listeners: Listeners) -> RunOutcome:
        """Run the tests of a job. Raises EngineError if the job cannot be tested."""
        if self._resources is None or self._stalls is None:
            raise RuntimeError("the runner is not open")
        settings = self._live.current
        self._apply(settings, self._resources)
        least = Level.parse(order.config.get("min_level") or settings.min_level)
        profile = self._profiles.get(job_overrides(order, guard_forced=settings.guard_forced))
        with self._stalls.track(listeners.on_stall) as moved:

            def on_progress(percent: int) -> None:
                moved()
                listeners.on_progress(percent)

            def on_entry(entry: Entry) -> None:
                moved()
                if entry.level >= max(least, Level.INFO):
                    listeners.on_entry(_record(entry))

            if "rst" in order.config:
                return await self._rehearse(order, profile.profile, listeners, on_progress, on_entry, least=least)
            result = await run_test(
                order.domain,
                profile.profile,
                resources=self._resources,
                tests=tuple(order.config.get("tests") or ()),
                exclude=settings.exclude,
                nameservers=[(server["ns"], server.get("ip")) for server in order.config.get("nameservers") or ()],
                ds=[DSInfo(**record) for record in order.config.get("ds") or ()],
                deadline_s=order.deadline_s,
                on_progress=on_progress,
                on_entry=on_entry,
                on_found=listeners.on_found,
                limits=settings.run_limits,
                is_urgent=order.is_urgent,
                clock=self._clock,
                with_chain=order.config.get("origin") in _WITH_CHAIN,
            )
        policy = load(order.policy) if order.policy else None
        scoring = await self._effective_scoring()
        return _outcome(order.domain, result, profile.text, least=least, scoring=scoring, policy=policy)

    async def _rehearse(
        self,
        order: TestOrder,
        profile: Profile,
        listeners: Listeners,
        on_progress: Callable[[int], None],
        on_entry: Callable[[Entry], None],
        *,
        least: Level,
    ) -> RunOutcome:
        """Rehearse Registry System Testing for the TLD of a job. Raises RstInputError if its inputs are invalid."""
        if self._resources is None:
            raise RuntimeError("the runner is not open")
        inputs = parse_input(order.config["rst"]["inputs"])
        result = await rehearse_tld(
            inputs.tlds[0],
            profile,
            resources=self._resources,
            is_wide=inputs.is_wide,
            deadline_s=order.deadline_s,
            on_progress=on_progress,
            on_entry=on_entry,
            on_found=listeners.on_found,
            limits=self._live.current.run_limits,
            is_urgent=order.is_urgent,
            with_chain=order.config.get("origin") in _WITH_CHAIN,
            clock=self._clock,
        )
        text = RunProfile(result.profile).text
        scoring = await self._effective_scoring()
        return _outcome(order.domain, result, text, least=least, scoring=scoring, policy=None)

    async def _effective_scoring(self) -> ScoringConfig:
        known = self._known_scoring()
        return await asyncio.to_thread(self._scoring) if known is None else known

    async def as_names(self, asns: Sequence[int]) -> Mapping[int, AsName | None]:
        """Return the holders of ASes; those not determined within fifteen seconds are missing."""
        if self._resources is None:
            raise RuntimeError("the runner is not open")
        profile = caller_limits(self._live.current)  # without non-global targets, unless the settings allow them
        return await look_up_as_names(asns, profile, self._resources, limit_s=_AS_NAMES_LIMIT_S)

    async def observe(self, domain: str, *, for_rollover: bool = False, transfer: bool = False) -> Observation:
        """Observe a delegation and its zone, with the priority of batch jobs."""
        if self._resources is None:
            raise RuntimeError("the runner is not open")
        settings = self._live.current
        return await observe(
            domain,
            caller_limits(settings),
            resources=self._resources,
            for_rollover=for_rollover,
            transfers=TransferLimits() if transfer else None,
            limits=settings.run_limits,
            clock=self._clock,
        )

    async def reach(self) -> Mapping[int, bool]:
        """Return for each family of `reachability_targets`, or of the root servers, whether one of them answers."""
        settings = self._live.current
        if self._resources is None or settings.reachability_targets == (NO_SERVERS,):
            return {}
        hints = self._resources.root_hints
        roots = [address for addresses in hints.values() for address in addresses]
        sources = settings.source_addr4, settings.source_addr6
        targets = [
            each for each in settings.reachability_targets or roots if ":" not in each or self._resources.has_ipv6
        ]
        return await probe_families(targets, port=settings.dns_port, sources=sources)

    def traffic(self) -> Traffic:
        """Return the queries and answers of all runs so far, by address family."""
        if self._resources is None:
            return {}
        transport = self._resources.transport
        ipv6 = transport.queries_ipv6
        return {4: (transport.queries - ipv6, transport.answers[4]), 6: (ipv6, transport.answers[6])}

    def _limits(self) -> AddressLimits:
        return self._live.current.politeness

    def _apply(self, settings: Settings, resources: Resources) -> None:
        """Apply changed settings to the resources; running tests are affected by the cache only."""
        before, self._applied = self._applied, settings
        follow_settings(resources, before, settings)


def _outcome(
    domain: str, result: RunResult, profile: str, *, least: Level, scoring: ScoringConfig, policy: Policy | None
) -> RunOutcome:
    causes = causes_of(domain, result.entries, result.timings)
    score = compute_score(domain, result.entries, scoring, causes=causes)
    verdict = judge_result(policy, result, causes=causes) if policy else None
    deciding = deciding_positions(verdict, policy, result.entries) if verdict and policy else frozenset()
    return RunOutcome(
        entries=[
            _record(entry) for place, entry in enumerate(result.entries) if entry.level >= least or place in deciding
        ],
        effective_profile=profile,
        nameserver_timings=_timings(result),
        dnssec_chain=_storable(result.chain),
        score=score.score if score else None,
        grade=score.grade if score else None,
        causes=[cause.id for cause in causes],
        verdict=verdict.result.value if verdict else None,
    )


def _timings(result: RunResult) -> list[dict[str, Any]]:
    """Return the timings of name servers, with prefix and ASes of the addresses that were looked up.

    Entries contain them only at DEBUG, and the analysis needs them for every run.
    """
    rows = [{name: getattr(timing, name) for name in _TIMING} for timing in result.timings]
    if not result.origins:
        return rows
    return [row | _origin(result.origins.get(row["address"])) for row in rows]


def _origin(origin: Origin | None) -> dict[str, Any]:
    return {"asns": list(origin.asns) if origin else None, "prefix": origin.prefix if origin else None}


def _storable(chain: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the chain unless it is too large to be stored."""
    return chain if chain is None or len(json.dumps(chain)) <= LARGEST_CHAIN else None


def _record(entry: Entry) -> EntryRecord:
    return EntryRecord(entry.timestamp, entry.module, entry.testcase, entry.tag, entry.level.name, entry.args)
