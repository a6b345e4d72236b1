"""A run as a whole: plan, gates, order, progress, deadline, cancellation, and the data it shares with other runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import dns.name
import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.errors import InvalidDelegation, InvalidDomain, UnknownTestCase
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import DSInfo, RunResult, run_test
from gonemaster_engine.run_log import Log
from gonemaster_engine.testcases.catalogue import cases, modules
from gonemaster_engine.testcases.registry import Case, Module
from gonemaster_engine.zone.zone import Zone
from tests.support.case_runs import A1, A2, NS1, NS2, example_world
from tests.support.dnsworld import World, faults

_T = TypeVar("_T")
# a long timeout, because the machine may be busy
PROFILE = default_profile().merge({"net": {"allow_non_global_targets": True}})
PATIENT = PROFILE.merge({"resolver": {"defaults": {"timeout": 200, "retrans": 200}}})
QUICK = PROFILE.merge({"resolver": {"defaults": {"retry": 1, "timeout": 1, "retrans": 1}}})  # for silent servers


def in_loop(world: World, tmp_path: Path, work: Callable[[Resources], Awaitable[_T]]) -> _T:
    """Serve the world and do some work with one set of resources."""

    async def whole() -> _T:
        resources = Resources.open(root_hints=world.write_hints(tmp_path / "hints"), dns_port=world.port, ipv6=False)
        try:
            return await work(resources)
        finally:
            await resources.close()

    return asyncio.run(whole())


def run(world: World, tmp_path: Path, domain: str = "example.xa", **options: Any) -> RunResult:
    options.setdefault("profile", PROFILE)
    with world:
        return in_loop(world, tmp_path, lambda resources: run_test(domain, resources=resources, **options))


def tags(result: RunResult) -> list[str]:
    return [entry.tag for entry in result.entries]


def test_good_zone_runs_every_case_in_order(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path)
    started = [entry.testcase for entry in result.entries if entry.tag == "TEST_CASE_START"]
    planned = [case_id for case_id in cases() if case_id in PROFILE.test_cases and case_id in started]
    assert started == planned
    assert {"basic01", "syntax01", "delegation01", "consistency01"} <= set(started)
    assert result.unfinished == []
    assert "MODULE_ERROR" not in tags(result)
    assert result.queries > 10
    assert result.effective_profile["net"]["allow_non_global_targets"] is True


def test_entries_of_a_case_stand_together_between_start_and_end(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path)
    entries = [entry for entry in result.entries if entry.testcase]
    seen: list[str] = []
    for entry in entries:
        if entry.testcase not in seen:
            assert entry.tag == "TEST_CASE_START"
            seen.append(entry.testcase)
        assert seen[-1] == entry.testcase


def test_missing_zone_ends_after_basic(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, "missing.xa")
    assert "B01_NO_CHILD" in tags(result)
    assert tags(result)[-1] == "CANNOT_CONTINUE"
    assert {entry.module for entry in result.entries} == {"SYSTEM", "BASIC"}


@pytest.mark.parametrize("fault", [faults.rcode("NXDOMAIN"), faults.silence()], ids=["lies", "silence"])
def test_network_without_dns_is_said_as_the_reason(tmp_path: Path, fault: faults.Fault) -> None:
    world = example_world()
    for zone in (".", "xa", "example.xa"):
        for address in world.zone_of(zone).addresses:
            world.server(address).fault(fault)
    result = run(world, tmp_path, profile=QUICK)
    assert tags(result)[-2:] == ["NO_NETWORK", "CANNOT_CONTINUE"]


@pytest.mark.parametrize(
    "options",
    [{"tests": ["zone01"]}, {"nameservers": [("ns.example.xb", None)]}, {"domain": "."}],
    ids=["without BASIC", "undelegated", "root"],
)
def test_network_that_gives_no_packet_back_is_said_of_every_kind_of_run(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    world = example_world()
    for server in world.servers.values():
        server.fault(faults.silence())
    result = run(world, tmp_path, profile=QUICK, **options)
    assert "NO_NETWORK" in tags(result)


def dead_roots(*, errors: int = 0) -> World:
    """Six root servers, none of which works; the first ones return errors."""
    world = World()
    world.zone(".", ns={f"{letter}.root": f"127.7.{number}.1" for number, letter in enumerate("abcdef", start=1)})
    for number, server in enumerate(world.servers.values()):
        server.fault(faults.rcode("NXDOMAIN") if number < errors else faults.silence())
    return world


@pytest.mark.parametrize("errors", [0, 2], ids=["silence", "two give errors"])
def test_root_servers_are_all_waited_for_together(tmp_path: Path, errors: int) -> None:
    world = dead_roots(errors=errors)
    result = run(world, tmp_path, profile=PATIENT, deadline_s=3)
    assert result.entries[-1].tag == "RUN_DEADLINE_REACHED"  # the run has not given up any of them
    tried = [len(server.log) for server in world.servers.values()]
    assert tried[errors:] == [2] * (6 - errors)


def test_server_of_a_restored_answer_is_not_taken_for_a_silent_one(tmp_path: Path) -> None:
    world = example_world()

    async def work(resources: Resources) -> None:
        first = await run_test("example.xa", PROFILE, resources=resources, tests=["basic02"], keep_answers=True)
        context = RunContext("example.xa", PROFILE, resources, log=Log(PROFILE), restored=first.answers)
        assert all(context.server(address).health.has_answered for address in (A1, A2))
        await context.close()

    with world:
        in_loop(world, tmp_path, work)


def test_silent_server_is_tried_in_all_ways_at_once(tmp_path: Path) -> None:
    world = example_world()
    world.server(A1).fault(faults.silence())
    result = run(world, tmp_path, profile=PATIENT, deadline_s=3)
    assert result.entries[-1].tag == "RUN_DEADLINE_REACHED"
    assert sorted(query.transport for query in world.server(A1).log) == ["tcp", "udp", "udp", "udp"]


def test_other_modules_run_when_basic_is_not_selected(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, tests=["SYNTAX01", "delegation"])
    assert {entry.module for entry in result.entries} == {"SYSTEM", "SYNTAX", "DELEGATION"}


def test_excluded_cases_do_not_run(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, tests=["syntax"], exclude=["syntax02"])
    assert "syntax02" not in {entry.testcase for entry in result.entries}


def test_case_is_left_out_when_its_gate_says_so(tmp_path: Path) -> None:
    """SYNTAX06 needs an SOA record, which no server returns here."""
    world = example_world()
    for address in (A1, A2):
        world.server(address).fault(faults.silence(), qtype="SOA")
    result = run(world, tmp_path, tests=["syntax"], profile=QUICK)
    assert "NO_RESPONSE_SOA_QUERY" in tags(result)
    assert "syntax06" not in {entry.testcase for entry in result.entries}


def test_levels_come_from_the_profile(tmp_path: Path) -> None:
    profile = PROFILE.merge({"test_levels": {"SYNTAX": {"ONLY_ALLOWED_CHARS": "CRITICAL"}}})
    result = run(example_world(), tmp_path, tests=["syntax01"], profile=profile)
    assert [entry.level for entry in result.entries if entry.tag == "ONLY_ALLOWED_CHARS"] == [Level.CRITICAL]


def test_progress_rises_to_a_hundred_and_entries_are_passed_on_in_order(tmp_path: Path) -> None:
    progress: list[int] = []
    entries: list[Entry] = []
    result = run(example_world(), tmp_path, on_progress=progress.append, on_entry=entries.append)
    assert progress == sorted(progress)
    assert progress[-1] == 100
    assert entries == result.entries


def test_stop_level_ends_the_run_with_that_entry(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, stop_level=Level.ERROR)
    assert result.entries[-1].level >= Level.ERROR
    assert all(entry.level < Level.ERROR for entry in result.entries[:-1])


def test_deadline_keeps_what_was_found_and_says_what_is_missing(tmp_path: Path) -> None:
    world = example_world()
    world.server(A1).fault(faults.silence())
    profile = PROFILE.merge({"resolver": {"defaults": {"timeout": 20, "retrans": 20}}})
    result = run(world, tmp_path, profile=profile, deadline_s=2)
    last = result.entries[-1]
    assert (last.tag, last.level, last.module) == ("RUN_DEADLINE_REACHED", Level.WARNING, "SYSTEM")
    assert "basic02" in last.args["testcases"]
    assert "B01_CHILD_FOUND" in tags(result)
    assert "basic02" in result.unfinished


def test_deadline_names_the_slow_servers(tmp_path: Path) -> None:
    world = example_world()
    world.server(A2).fault(faults.silence())
    profile = QUICK.merge({"resolver": {"defaults": {"fast_fail_timeout_count": 0}}})
    result = run(world, tmp_path, profile=profile, deadline_s=1.5)
    assert result.entries[-1].args["servers"] == [{"ns": NS2, "address": A2}]


def test_cancellation_ends_a_run_long_before_its_server_is_given_up(tmp_path: Path) -> None:
    world = example_world()
    world.server(A1).fault(faults.silence())

    async def work(resources: Resources) -> None:
        tried = asyncio.Event()
        task = asyncio.ensure_future(
            run_test("example.xa", PATIENT, resources=resources, on_progress=lambda _: tried.set())
        )
        await tried.wait()  # basic01 has ended, basic02 waits for the silent server
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [other for other in asyncio.all_tasks() if other is not asyncio.current_task()] == []

    with world:
        in_loop(world, tmp_path, work)


def test_error_in_one_case_does_not_take_the_others_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(zone: Zone) -> AsyncIterator[Finding]:
        if zone.name:
            raise RuntimeError("on purpose")
        yield Finding(Tag("NEVER", Level.INFO), {})  # makes it a generator

    syntax = modules()["SYNTAX"]
    case = Case("syntax02", "", (), broken)
    changed = tuple(case if each.id == "syntax02" else each for each in syntax.cases)
    module = Module("SYNTAX", changed, syntax.conditions)
    monkeypatch.setattr("gonemaster_engine.run.run.select", lambda *_: list(module.cases))
    result = run(example_world(), tmp_path, tests=["syntax"])
    errors = [entry for entry in result.entries if entry.tag == "MODULE_ERROR"]
    assert [(entry.testcase, entry.level) for entry in errors] == [("syntax02", Level.CRITICAL)]
    assert "on purpose" in errors[0].args["msg"]
    assert "ONLY_ALLOWED_CHARS" in tags(result)


def test_no_address_family_is_said_and_ends_the_run(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, profile=PROFILE.merge({"net": {"ipv4": False}}))
    assert tags(result)[-1] == "NO_NETWORK"
    assert result.queries == 0


def test_local_addresses_are_not_asked_unless_allowed(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, profile=default_profile())
    blocked = {entry.args["address"] for entry in result.entries if entry.tag == "NON_GLOBAL_QUERY_BLOCKED"}
    assert len(blocked) == 2  # both root servers
    assert result.queries == 0


def test_supplied_local_addresses_are_not_asked_unless_allowed(tmp_path: Path) -> None:
    servers = [(NS1, A1), (NS2, A2)]
    result = run(example_world(), tmp_path, profile=default_profile(), nameservers=servers, tests=["basic"])
    blocked = {entry.args["address"] for entry in result.entries if entry.tag == "NON_GLOBAL_QUERY_BLOCKED"}
    assert blocked == {A1, A2}
    assert result.queries == 0


def test_supplied_names_without_address_are_reported(tmp_path: Path) -> None:
    servers = [(NS1, A1), ("ns9.example.xa", None), ("ns.missing.xa", None), ("ns1.nic.xa", None)]
    result = run(example_world(), tmp_path, nameservers=servers, tests=["basic02"])
    reported = {entry.tag: entry.args["ns"] for entry in result.entries if entry.tag.endswith("_NO_IP")}
    assert reported == {
        "FAKE_DELEGATION_IN_ZONE_NO_IP": "ns9.example.xa",
        "FAKE_DELEGATION_NO_IP": "ns.missing.xa",
    }


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"domain": "a!b"}, InvalidDomain),
        ({"domain": " "}, InvalidDomain),
        ({"tests": ["basic99"]}, UnknownTestCase),
        ({"exclude": ["nonsense"]}, UnknownTestCase),
        ({"nameservers": [("ns1.example.xa", "192.0.2.256")]}, InvalidDelegation),
        ({"nameservers": [("ns1..xa", "192.0.2.2")]}, InvalidDomain),
        ({"ds": [DSInfo(1, 13, 2, "xyz")]}, InvalidDelegation),
        ({"ds": [DSInfo(1, 13, 2, "")]}, InvalidDelegation),
        ({"ds": [DSInfo(70000, 13, 2, "ab")]}, InvalidDelegation),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(
    tmp_path: Path, options: dict[str, Any], error: type[Exception]
) -> None:
    world = example_world()
    with pytest.raises(error):
        run(world, tmp_path, **options)
    assert world.log == []


def test_second_run_takes_what_is_above_the_zone_from_the_first(tmp_path: Path) -> None:
    async def work(resources: Resources) -> list[int]:
        return [(await run_test("example.xa", PROFILE, resources=resources)).queries for _ in range(2)]

    world = example_world()
    with world:
        first, second = in_loop(world, tmp_path, work)
    assert second < first
    asked_root = [query for query in world.log if query.name == dns.name.root and query.type == "SOA"]
    assert len(asked_root) <= len(world.zone_of(".").addresses)


def test_the_zone_itself_is_queried_in_every_run(tmp_path: Path) -> None:
    async def work(resources: Resources) -> list[RunResult]:
        first = await run_test("example.xa", PROFILE, resources=resources)
        for address in (A1, A2):
            world.server(address).fault(faults.rcode("REFUSED"))
        return [first, await run_test("example.xa", PROFILE, resources=resources)]

    world = example_world()
    with world:
        first, second = in_loop(world, tmp_path, work)
    assert "B02_AUTH_RESPONSE_SOA" in tags(first)
    assert "B02_NO_WORKING_NS" in tags(second)


def test_runs_side_by_side_find_what_each_finds_alone(tmp_path: Path) -> None:
    def world() -> World:
        made = example_world()
        made.zone("other.xa", ns={"ns1.other.xa": "127.9.3.1"})
        return made

    def found(result: RunResult) -> list[tuple[str, str, str]]:
        return [(entry.testcase, entry.tag, str(entry.args)) for entry in result.entries if entry.module != "SYSTEM"]

    alone = [found(run(world(), tmp_path, name)) for name in ("example.xa", "other.xa")]

    async def work(resources: Resources) -> list[RunResult]:
        names = ["example.xa", "other.xa"] * 8
        return await asyncio.gather(*(run_test(name, PROFILE, resources=resources) for name in names))

    served = world()
    with served:
        together = [found(result) for result in in_loop(served, tmp_path, work)]
    assert together == alone * 8
