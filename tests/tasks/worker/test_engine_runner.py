"""The engine as a runner, against a loopback world: a job's options reach it, and its result becomes records."""

import asyncio
import json
import multiprocessing
import socket
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.policies.policy import load
from gonemaster_engine.profile.profile import ProfileError
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig, parse_config
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.profiles import base_profile
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.queues import NORMAL
from gonemaster_tasks.worker.consume.gate import Gate
from gonemaster_tasks.worker.execute import engine_runner, isolated_run, stalls
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from gonemaster_tasks.worker.execute.fork_server import ForkServer
from gonemaster_tasks.worker.execute.isolation import Isolation
from gonemaster_tasks.worker.execute.profiles import Profiles, job_overrides
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder, Usage
from gonemaster_tasks.worker.execute.running import RunningJob
from tests.support.dnsworld import World

DOMAIN = "good.xa"
SILENT = "127.0.0.251"


def order(config: dict[str, Any] | None = None, profile: dict[str, Any] | None = None) -> TestOrder:
    return TestOrder("job_1", DOMAIN, config or {}, profile, 20.0)


@pytest.fixture
def settings(demo_world: World, demo_hints: Path) -> Settings:
    return Settings(root_hints_path=demo_hints, dns_port=demo_world.port, allow_non_global=True, timeout=2, retry=1)


def run(
    settings: Settings, test_order: TestOrder, scoring: ScoringConfig = DEFAULT_CONFIG
) -> tuple[RunOutcome, list[int], list[EntryRecord]]:
    progress: list[int] = []
    entries: list[EntryRecord] = []

    async def whole() -> RunOutcome:
        runner = EngineRunner(LiveSettings(settings), lambda: scoring)
        await runner.open()
        try:
            return await runner.run(test_order, Listeners(progress.append, entries.append))
        finally:
            await runner.close()

    return asyncio.run(whole()), progress, entries


def test_a_domain_is_tested_scored_and_kept_from_the_least_level_on(settings: Settings) -> None:
    outcome, progress, heard = run(settings, order({"tests": ["basic"], "min_level": "INFO"}))
    tags = {entry.tag for entry in outcome.entries}
    assert "B01_CHILD_FOUND" in tags
    assert all(entry.level not in ("DEBUG", "DEBUG2", "DEBUG3") for entry in outcome.entries)
    assert {entry.module for entry in outcome.entries} <= {"BASIC", "SYSTEM"}
    assert list(outcome.entries) == heard
    assert progress[-1] == 100
    assert outcome.score is not None
    assert outcome.grade
    assert any(timing["count"] for timing in outcome.nameserver_timings)
    assert isinstance(outcome.effective_profile, str)
    assert json.loads(outcome.effective_profile)["net"]["allow_non_global_targets"] is True
    loud, _, _ = run(settings, order({"tests": ["basic"], "min_level": "DEBUG3"}))
    assert len(loud.entries) > len(outcome.entries)


def test_name_that_does_not_exist_has_no_score(settings: Settings) -> None:
    outcome, _, _ = run(settings, replace(order(), domain="missing.xa"))
    assert (outcome.score, outcome.grade) == (None, None)
    assert "NAME_DOES_NOT_EXIST" in {entry.tag for entry in outcome.entries}


def test_the_score_follows_the_configuration(settings: Settings) -> None:
    test_order = order({"tests": ["basic"]})
    usual, _, _ = run(settings, test_order)
    strict, _, _ = run(settings, test_order, parse_config({"severity_penalties": {"INFO": 1}}))
    assert usual.score is not None
    assert strict.score is not None
    assert strict.score < usual.score


@pytest.mark.parametrize(
    ("origin", "tests", "is_kept"),
    [
        ("admin", ["basic", "dnssec"], True),
        ("public", ["basic", "dnssec"], True),
        ("batch", ["basic", "dnssec"], False),
        ("admin", ["basic"], False),
    ],
)
def test_chain_of_trust_is_described_for_single_jobs(
    settings: Settings, origin: str, tests: list[str], is_kept: bool
) -> None:
    outcome, _, _ = run(settings, order({"tests": tests, "origin": origin}))
    assert (outcome.dnssec_chain is not None) is is_kept
    if outcome.dnssec_chain is not None:
        assert (outcome.dnssec_chain["version"], outcome.dnssec_chain["zone"]) == (3, DOMAIN)


def test_chain_that_is_too_large_is_dropped(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_runner, "LARGEST_CHAIN", 1000)
    outcome, _, _ = run(settings, order({"tests": ["basic", "dnssec"], "origin": "admin"}))
    assert outcome.dnssec_chain is None
    assert outcome.entries


def test_undelegated_servers_of_a_job_are_asked(settings: Settings) -> None:
    config = {"tests": ["basic"], "nameservers": [{"ns": "ns1.good.xa", "ip": "127.0.0.250"}], "min_level": "INFO"}
    outcome, _, _ = run(settings, order(config))
    silent = [entry.args for entry in outcome.entries if entry.tag == "B02_NS_NO_RESPONSE"]
    assert silent == [{"ns": "ns1.good.xa", "address": "127.0.0.250"}]


def test_a_test_of_silent_name_servers_gives_its_slot_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalls, "LATE_S", 3600.0)  # the test machine may be busy
    monkeypatch.setattr(stalls, "MAX_MEMORY", 1 << 40)  # and this process has run many tests
    silent = order({"nameservers": [{"ns": "ns1.good.xa", "ip": SILENT}]})

    async def whole() -> None:
        runner = EngineRunner(LiveSettings(replace(settings, timeout=60, retrans=60)))
        await runner.open()
        given_way = asyncio.Event()

        def on_stall() -> bool:
            given_way.set()
            return True

        run = asyncio.create_task(runner.run(silent, Listeners(lambda _: None, lambda _: None, on_stall)))
        waiting = asyncio.create_task(given_way.wait())
        await asyncio.wait([run, waiting], return_when="FIRST_COMPLETED")
        assert waiting.done(), run.result()
        run.cancel()
        await asyncio.wait([run])
        await runner.close()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:  # accepts queries, unlike a closed port
        nobody.bind((SILENT, settings.dns_port))
        asyncio.run(whole())


def test_the_switches_of_a_job_stand_over_its_profiles() -> None:
    profile = {"net": {"ipv4": True, "ipv6": True, "allow_non_global_targets": True}}
    config = {"ipv6_disabled": True, "overrides": {"resolver": {"defaults": {"retry": 2}}}}
    profiles = Profiles(base_profile(Settings(retry=3, source_addr4="192.0.2.1")))
    of_run = profiles.get(job_overrides(order(config, profile), guard_forced=True))
    made = of_run.profile
    assert (made.ipv4, made.ipv6, made.allow_non_global_targets) == (True, False, False)
    assert (made.retry, made.source4) == (2, "192.0.2.1")
    assert profiles.get(job_overrides(order(config, profile), guard_forced=True)) is of_run
    assert json.loads(of_run.text) == made.as_dict()
    assert profiles.get(job_overrides(order(None, profile), guard_forced=False)).profile.allow_non_global_targets


def test_a_profile_file_is_the_base_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "profile.yaml"
    file.write_text("resolver:\n  defaults:\n    retry: 9\n")
    assert base_profile(Settings(profile_path=file)).retry == 9
    file.write_text("resolver:\n  defaults:\n    retry: 900\n")
    with pytest.raises(ProfileError):
        base_profile(Settings(profile_path=file))


def test_a_running_process_follows_its_settings(settings: Settings, demo_world: World) -> None:
    live = LiveSettings(settings)
    guarded = {"net": {"allow_non_global_targets": True}}

    async def whole() -> None:
        runner = EngineRunner(live)
        await runner.open()

        async def asked(profile: dict[str, Any] | None = None, **change: Any) -> tuple[int, RunOutcome]:
            """Change settings, test, and count the queries that reached a server."""
            live.current = replace(live.current, **change)
            before = len(demo_world.log)
            listeners = Listeners(lambda _: None, lambda _: None)
            outcome = await runner.run(order({"tests": ["basic"]}, profile), listeners)
            return len(demo_world.log) - before, outcome

        cold, _ = await asked()
        warm, _ = await asked()
        assert warm < cold
        assert (await asked(cross_job_hot_cache=False))[0] == cold
        assert (await asked(cross_job_hot_cache=True))[0] == cold  # nothing was cached meanwhile
        assert (await asked())[0] == warm
        assert (await asked(min_level="CRITICAL"))[1].entries == []
        without = (await asked(min_level="DEBUG3", ipv6_mode="off"))[1]
        assert "IPV6_AUTO_DISABLED" in {entry.tag for entry in without.entries}
        again = (await asked(ipv6_mode="on"))[1]
        assert "IPV6_AUTO_DISABLED" not in {entry.tag for entry in again.entries}
        assert (await asked(guarded, allow_non_global=False, allow_non_global_targets=False))[0] == 0
        assert (await asked(guarded, allow_non_global_targets=True))[0] > 0
        await runner.close()

    asyncio.run(whole())


def usage_of_an_isolated_run(settings: Settings, job: TestOrder) -> Usage:
    """Run a job in a separate process; return what it used. The calling process must not have other threads."""
    alone = Isolation(ForkServer.start(isolated_run.main))
    try:
        gate = Gate(slots=4, reserved_normal=0, min_batch=0, clock=SharedClock())
        silent = Listeners(lambda _: None, lambda _: None)
        assert alone.usage() == Usage()
        assert alone.run(job, RunningJob(job.job_id, NORMAL), silent, settings=settings, gate=gate) is not None
        return alone.usage()
    finally:
        alone.stop()


def test_queries_are_counted_by_family_and_in_child_processes_too(
    settings: Settings, redis_server: EmbeddedRedis
) -> None:
    settings = replace(settings, broker_url=redis_server.url)  # the child borrows its part of the limits there
    job = order({"tests": ["basic"]})
    silent = Listeners(lambda _: None, lambda _: None)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
        counted = pool.submit(usage_of_an_isolated_run, settings, job).result()
    assert counted.queries_ipv4 > 3
    assert counted.cache_misses > 0

    async def whole() -> Usage:
        runner = EngineRunner(LiveSettings(settings))
        await runner.open()
        await runner.run(job, silent)
        await runner.run(job, silent)
        usage, traffic = runner.usage(), runner.traffic()
        await runner.close()
        assert traffic[4][0] == usage.queries_ipv4
        assert 0 < traffic[4][1] <= usage.queries_ipv4
        return usage

    twice = asyncio.run(whole())
    assert twice.queries_ipv4 + twice.queries_ipv6 < 2 * (counted.queries_ipv4 + counted.queries_ipv6)
    assert twice.cache_hits > 0
    assert (twice - twice) == Usage()


LAB = {
    "name": "lab",
    "profile": {"test_cases": ["basic01", "basic02", "dnssec02", "dnssec07"]},
    "suites": [{"name": "DNSSEC", "cases": ["basic02", "dnssec02"], "fail_tags": ["DS02_NO_VALID_DNSKEY_FOR_ANY_DS"]}],
}


@pytest.mark.parametrize(("domain", "verdict"), [("good.xa", "pass"), ("wrongds.xa", "fail")])
def test_policy_selects_the_tests_and_judges_the_run(settings: Settings, domain: str, verdict: str) -> None:
    outcome, _, _ = run(settings, replace(order({"min_level": "CRITICAL"}), domain=domain, policy=load(LAB).as_dict()))
    assert outcome.verdict == verdict
    assert isinstance(outcome.effective_profile, str)
    assert json.loads(outcome.effective_profile)["test_cases"] == LAB["profile"]["test_cases"]  # type: ignore[index]
    # The finding that fails is stored in spite of the minimum level, so that the verdict can be explained.
    failing = {"DS02_NO_VALID_DNSKEY_FOR_ANY_DS"} if verdict == "fail" else set()
    assert {entry.tag for entry in outcome.entries} == failing


def test_case_that_the_job_does_not_select_is_undecided(settings: Settings) -> None:
    outcome, _, _ = run(settings, replace(order({"tests": ["basic"]}), policy=load(LAB).as_dict()))
    assert outcome.verdict == "undecided"


def test_run_without_a_policy_has_no_verdict(settings: Settings) -> None:
    assert run(settings, order({"tests": ["basic"]}))[0].verdict is None
