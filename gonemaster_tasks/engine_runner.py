"""The engine as a worker's runner: a job's wishes become arguments of run_test, a result becomes records."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gonemaster_db.records import EntryRecord
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.profile import Profile, default_profile, load_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run import DSInfo, RunResult, run_test
from gonemaster_engine.scoring import compute_score
from gonemaster_tasks.runner import Listeners, Outcome, TestOrder
from gonemaster_tasks.settings import Settings

_PROFILES_KEPT = 100


class EngineRunner:
    """Runs tests with the engine; all of a process share sockets, hot cache and root hints."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._profiles = Profiles(base_profile(settings))
        self._resources: Resources | None = None

    async def open(self) -> None:
        """Open sockets and caches in the running loop."""
        self._resources = Resources.open(
            root_hints=self._settings.root_hints_path,
            dns_port=self._settings.dns_port,
            hot_cache_ttl_s=_hot_cache_ttl_s(self._settings),
            ipv6={"auto": None, "on": True, "off": False}[self._settings.ipv6_mode],
        )

    async def close(self) -> None:
        """Close the sockets."""
        if self._resources is not None:
            await self._resources.close()

    async def run(self, order: TestOrder, listeners: Listeners) -> Outcome:
        """Run the tests that the job asks for. Raises EngineError for what no test can be made of."""
        if self._resources is None:
            raise RuntimeError("the runner is not open")
        least = Level.parse(order.config.get("min_level") or self._settings.min_level)

        def on_entry(entry: Entry) -> None:
            if entry.level >= max(least, Level.INFO):
                listeners.on_entry(_record(entry))

        result = await run_test(
            order.domain,
            self._profiles.get(job_overrides(order, guard_forced=self._settings.guard_forced)),
            resources=self._resources,
            tests=tuple(order.config.get("tests") or ()),
            exclude=self._settings.exclude,
            nameservers=[(server["ns"], server.get("ip")) for server in order.config.get("nameservers") or ()],
            ds=[DSInfo(**record) for record in order.config.get("ds") or ()],
            deadline_s=order.deadline_s,
            on_progress=listeners.on_progress,
            on_entry=on_entry,
        )
        return _outcome(order.domain, result, least)


def _hot_cache_ttl_s(settings: Settings) -> float:
    return float(settings.cross_job_hot_cache_ttl_seconds) if settings.cross_job_hot_cache else 0.0


def base_profile(settings: Settings) -> Profile:
    """Return the profile that jobs start from: a file over the default, and the settings over both.

    Raises:
        ProfileError: the file is not a profile.
    """
    profile = load_profile(settings.profile_path) if settings.profile_path else default_profile()
    defaults = {
        name: getattr(settings, name)
        for name in ("positive_cache_ttl", "negative_cache_ttl", "timeout", "retry", "retrans", "fallback")
        if getattr(settings, name) is not None
    }
    sources = {f"source{family}": getattr(settings, f"source_addr{family}") for family in (4, 6)}
    resolver: dict[str, Any] = {name: value for name, value in sources.items() if value}
    overrides: dict[str, Any] = {"resolver": resolver | {"defaults": defaults}}
    if settings.allow_non_global:
        overrides["net"] = {"allow_non_global_targets": True}
    return profile.merge(overrides)


def job_overrides(order: TestOrder, *, guard_forced: bool) -> list[Mapping[str, Any]]:
    """Return what stands over the base profile, in order: the stored profile, the job's overrides, its switches."""
    net = {family: False for family in ("ipv4", "ipv6") if order.config.get(f"{family}_disabled")}
    if guard_forced:
        net["allow_non_global_targets"] = False
    documents = (order.profile, order.config.get("overrides"), {"net": net} if net else None)
    return [document for document in documents if document]


class Profiles:
    """Profiles made of a base and overrides; those used lately are kept, since most jobs share one."""

    def __init__(self, base: Profile) -> None:
        self._base = base
        self._made: OrderedDict[str, Profile] = OrderedDict()

    def get(self, overrides: list[Mapping[str, Any]]) -> Profile:
        """Return the base with overrides. Raises ProfileError."""
        key = json.dumps(overrides, sort_keys=True)
        if key not in self._made:
            profile = self._base
            for document in overrides:
                profile = profile.merge(document)
            self._made[key] = profile
            if len(self._made) > _PROFILES_KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]


def _outcome(domain: str, result: RunResult, least: Level) -> Outcome:
    score = compute_score(domain, result.entries)
    return Outcome(
        entries=[_record(entry) for entry in result.entries if entry.level >= least],
        effective_profile=result.effective_profile,
        nameserver_timings=[asdict(timing) for timing in result.timings],
        score=score.score,
        grade=score.grade,
    )


def _record(entry: Entry) -> EntryRecord:
    return EntryRecord(entry.timestamp, entry.module, entry.testcase, entry.tag, entry.level.name, entry.args)
