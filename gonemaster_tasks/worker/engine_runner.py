"""The engine as a worker's runner: a job's wishes become arguments of run_test, a result becomes records."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from gonemaster_db.records import EntryRecord
from gonemaster_engine.asn.cache import Origin
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.net.transport import host_has_ipv6
from gonemaster_engine.resources import Resources
from gonemaster_engine.run import DSInfo, RunResult, run_test
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig
from gonemaster_engine.scoring.score import compute_score
from gonemaster_tasks.config.profiles import base_profile
from gonemaster_tasks.config.settings import CurrentSettings, Settings
from gonemaster_tasks.worker.profiles import Profiles, job_overrides
from gonemaster_tasks.worker.runner import Listeners, Outcome, TestOrder

_WITH_CHAIN = frozenset({"admin", "public"})  # origins; a sweep would store a chain for each of millions of jobs
_LARGEST_CHAIN = 60 * 1024  # octets of JSON
_IPV6 = {"auto": None, "on": True, "off": False}  # None: as this host has it


class EngineRunner:
    """Runs tests with the engine; all of a process share sockets, hot cache and root hints.

    `scoring` gives the configuration that counts when a run ends; it is called in a thread and may block.
    """

    def __init__(self, live: CurrentSettings, scoring: Callable[[], ScoringConfig] = lambda: DEFAULT_CONFIG) -> None:
        self._live = live
        self._scoring = scoring
        self._profiles = Profiles(base_profile(live.own))
        self._applied = live.current
        self._resources: Resources | None = None

    async def open(self) -> None:
        """Open sockets and caches in the running loop."""
        settings = self._applied = self._live.current
        self._resources = Resources.open(
            root_hints=settings.root_hints_path,
            dns_port=settings.dns_port,
            hot_cache_ttl_s=_hot_cache_ttl_s(settings),
            ipv6=_IPV6[settings.ipv6_mode],
        )

    async def close(self) -> None:
        """Close the sockets."""
        if self._resources is not None:
            await self._resources.close()

    async def run(self, order: TestOrder, listeners: Listeners) -> Outcome:
        """Run the tests that the job asks for. Raises EngineError for what no test can be made of."""
        if self._resources is None:
            raise RuntimeError("the runner is not open")
        settings = self._live.current
        self._apply(settings, self._resources)
        least = Level.parse(order.config.get("min_level") or settings.min_level)

        def on_entry(entry: Entry) -> None:
            if entry.level >= max(least, Level.INFO):
                listeners.on_entry(_record(entry))

        profile = self._profiles.get(job_overrides(order, guard_forced=settings.guard_forced))
        result = await run_test(
            order.domain,
            profile.profile,
            resources=self._resources,
            tests=tuple(order.config.get("tests") or ()),
            exclude=settings.exclude,
            nameservers=[(server["ns"], server.get("ip")) for server in order.config.get("nameservers") or ()],
            ds=[DSInfo(**record) for record in order.config.get("ds") or ()],
            deadline_s=order.deadline_s,
            on_progress=listeners.on_progress,
            on_entry=on_entry,
            limits=settings.run_limits,
            with_chain=order.config.get("origin") in _WITH_CHAIN,
        )
        return _outcome(order.domain, result, profile.text, least=least, scoring=await asyncio.to_thread(self._scoring))

    def _apply(self, settings: Settings, resources: Resources) -> None:
        """Let the resources follow settings that have changed; runs under way feel the cache, not the rest."""
        before, self._applied = self._applied, settings
        if _hot_cache_ttl_s(settings) != _hot_cache_ttl_s(before):
            resources.caches.hot.change_ttl(_hot_cache_ttl_s(settings))
        if settings.ipv6_mode != before.ipv6_mode:
            wanted = _IPV6[settings.ipv6_mode]
            resources.has_ipv6 = host_has_ipv6() if wanted is None else wanted


def _hot_cache_ttl_s(settings: Settings) -> float:
    return float(settings.cross_job_hot_cache_ttl_seconds) if settings.cross_job_hot_cache else 0.0


def _outcome(domain: str, result: RunResult, profile: str, *, least: Level, scoring: ScoringConfig) -> Outcome:
    score = compute_score(domain, result.entries, scoring)
    return Outcome(
        entries=[_record(entry) for entry in result.entries if entry.level >= least],
        effective_profile=profile,
        nameserver_timings=_timings(result),
        dnssec_chain=_storable(result.chain),
        score=score.score,
        grade=score.grade,
    )


def _timings(result: RunResult) -> list[dict[str, Any]]:
    """Return the times of name servers, with prefix and ASes of addresses that were looked up.

    Entries tell those at DEBUG only, and the analysis wants them of every run.
    """
    rows = [asdict(timing) for timing in result.timings]
    if not result.origins:
        return rows
    return [row | _origin(result.origins.get(row["address"])) for row in rows]


def _origin(origin: Origin | None) -> dict[str, Any]:
    return {"asns": list(origin.asns) if origin else None, "prefix": origin.prefix if origin else None}


def _storable(chain: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the chain unless it is too large to be kept."""
    return chain if chain is None or len(json.dumps(chain)) <= _LARGEST_CHAIN else None


def _record(entry: Entry) -> EntryRecord:
    return EntryRecord(entry.timestamp, entry.module, entry.testcase, entry.tag, entry.level.name, entry.args)
