"""Entries about the run itself: those of every run, and those of traced runs only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import DSInfo, RunResult, run_test
from gonemaster_engine.version import __version__
from tests.engine.run.test_run import PROFILE, QUICK, in_loop, run, tags
from tests.support.case_runs import A1, A2, NS1, NS2, V6, example_world
from tests.support.dnsworld import World, faults
from tests.support.dnsworld.extras import ASN_SOURCES, add_origin_zone

FACTS = json.loads((Path(__file__).parents[1] / "data" / "module_facts.json").read_text())["SYSTEM"]
NEVER = {
    "FAKE_DELEGATION_TO_SELF",  # an undelegated test does not use the parent's servers
    "LOGGER_CALLBACK_ERROR",  # a receiver that fails ends the run with its own error
    "UNKNOWN_METHOD",  # UnknownTestCase is raised before any query
    "UNKNOWN_MODULE",
}
ELSEWHERE = {"LOOP_PROTECTION", "MODULE_ERROR"}  # test_basic01.py, test_run.py
FIRST, SECOND = ASN_SOURCES
IN_TURN = QUICK.merge({"resolver": {"defaults": {"unordered": False}}})
ADDED = ("FAKE_DELEGATION_ADDED", "FAKE_DS_ADDED")
DS = DSInfo(4711, 13, 2, "ab" * 32)


def known_origins(source: str) -> World:
    world = example_world()
    add_origin_zone(world, source, {"127.0.0.0/8": 64500})
    return world


def sources(result: RunResult) -> list[str]:
    return [entry.args["source"] for entry in result.entries if entry.tag == "ASN_LOOKUP_SOURCE"]


@pytest.mark.parametrize(("source", "expected"), [(FIRST, [FIRST]), (SECOND, [FIRST, SECOND])])
def test_databases_behind_the_findings_are_reported_once(tmp_path: Path, source: str, expected: list[str]) -> None:
    result = run(known_origins(source), tmp_path, tests=["connectivity03", "connectivity04"])
    assert "IPV4_ONE_ASN" in tags(result)
    assert sources(result) == expected


def test_databases_that_all_failed_are_reported(tmp_path: Path) -> None:
    world = example_world()
    result = run(world, tmp_path, tests=["connectivity03"])
    assert sources(result) == [*ASN_SOURCES, "riswhois.ripe.net"]


def test_without_a_look_up_no_database_is_reported(tmp_path: Path) -> None:
    assert sources(run(known_origins(FIRST), tmp_path, tests=["syntax"])) == []


def test_database_that_an_earlier_run_asked_is_reported_too(tmp_path: Path) -> None:
    async def work(resources: Any) -> list[list[str]]:
        options = {"resources": resources, "tests": ["connectivity03"]}
        return [sources(await run_test("example.xa", PROFILE, **options)) for _ in range(2)]

    with known_origins(FIRST) as world:
        assert in_loop(world, tmp_path, work) == [[FIRST], [FIRST]]


def test_modules_begin_and_end_around_their_entries(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, tests=["basic01", "syntax01", "zone01"])
    reported = [
        (entry.tag, entry.args["module"]) if entry.tag.startswith("MODULE_") else entry.testcase
        for entry in result.entries
        if entry.tag.startswith(("MODULE_", "TEST_CASE_START"))
    ]
    assert reported == [
        each
        for name in ("BASIC", "SYNTAX", "ZONE")
        for each in (("MODULE_VERSION", name), f"{name.lower()}01", ("MODULE_END", name))
    ]
    versions = {entry.args["version"] for entry in result.entries if entry.tag == "MODULE_VERSION"}
    assert versions == {__version__}


@pytest.mark.parametrize(
    ("tests", "module", "testcase"),
    [
        ([], "all", "all"),
        (["syntax"], "SYNTAX", "all"),
        (["syntax01"], "SYNTAX", "syntax01"),
        (["syntax", "zone"], "all", "all"),
    ],
)
def test_target_names_module_and_test_case_where_there_is_one(
    tmp_path: Path, tests: list[str], module: str, testcase: str
) -> None:
    result = run(example_world(), tmp_path, tests=tests)
    (reported,) = (entry.args for entry in result.entries if entry.tag == "TEST_TARGET")
    assert reported == {"zone": "example.xa", "module": module, "testcase": testcase}


def test_modules_that_are_left_out_do_not_begin(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, "missing.xa")
    begun = [entry.args["module"] for entry in result.entries if entry.tag == "MODULE_VERSION"]
    assert begun == ["BASIC"]
    assert tags(result)[-3:] == ["MODULE_END", "NAME_DOES_NOT_EXIST", "CANNOT_CONTINUE"]


def test_supplied_data_are_reported(tmp_path: Path) -> None:
    options: dict[str, Any] = {"nameservers": [(NS1, A1), (NS2, A2)], "ds": [DS], "tests": ["basic01"]}
    result = run(example_world(), tmp_path, **options)
    delegation, ds = {NS1: [A1], NS2: [A2]}, {"example.xa": [f"4711 13 2 {'ab' * 32}"]}
    assert [(entry.tag, entry.args) for entry in result.entries if entry.tag in ADDED] == [
        (tag, {"ns": name, "address": address, "domain": "example.xa", "data": data})
        for tag, data in zip(ADDED, (delegation, ds), strict=True)
        for name, address in ((NS1, A1), (NS2, A2))
    ]


def silent_server() -> World:
    world = example_world()
    world.server(A2).fault(faults.silence())
    return world


def server_without_tcp() -> World:
    world = example_world()
    for address in (A1, A2):
        world.server(address).set(tcp=False)
    return world


def without_edns() -> World:
    world = example_world()
    world.server(A1).fault(faults.silence(), edns=True)
    return world


def big_answer() -> World:
    texts = "\n".join(f'@ TXT "{number:0250}"' for number in range(20))
    return example_world(records=f"@ MX 10 mail\nmail A 192.0.2.1\n{texts}")


def two_names_of_one_address() -> World:
    return example_world(ns={NS1: [A1, V6], NS2: A1})


TRACED: dict[str, tuple[Callable[[], World], dict[str, Any]]] = {
    "good zone, over IPv4": (
        two_names_of_one_address,
        {"profile": PROFILE.merge({"net": {"ipv6": False}}), "tests": ["basic", "delegation", "zone", "dnssec"]},
    ),
    "supplied": (example_world, {"nameservers": [(NS1, A1)], "ds": [DS], "tests": ["basic", "delegation", "dnssec"]}),
    "supplied without address": (
        example_world,
        {"nameservers": [("ns9.example.xa", None), ("ns.missing.xa", None)], "tests": ["basic01"]},
    ),
    "missing zone": (example_world, {"domain": "missing.xa"}),
    "no family": (example_world, {"profile": PROFILE.merge({"net": {"ipv4": False, "ipv6": False}})}),
    "guarded": (example_world, {"profile": PROFILE.merge({"net": {"allow_non_global_targets": False}})}),
    "big": (big_answer, {"tests": ["zone11"]}),
    "silent": (silent_server, {"profile": QUICK, "tests": ["basic", "nameserver", "connectivity"]}),
    "no TCP": (server_without_tcp, {"profile": IN_TURN, "tests": ["connectivity02", "nameserver03", "connectivity05"]}),
    "silent with EDNS": (without_edns, {"profile": IN_TURN, "tests": ["dnssec", "nameserver"]}),
}


def both_families() -> World:
    world = World()
    world.zone(".", ns={"ns1": ["127.201.0.1", V6]})
    world.zone("xa", ns={"ns1.nic.xa": ["127.8.1.1", V6]})
    world.zone("example.xa", ns={NS1: [A1, V6]})
    return world


def run_over_ipv6(tmp_path: Path) -> RunResult:
    world = both_families()

    async def whole() -> RunResult:
        hints = world.write_hints(tmp_path / "hints")
        resources = Resources.open(root_hints=hints, dns_port=world.port, ipv6=True)
        try:
            profile = PROFILE.merge({"net": {"ipv4": False}})
            return await run_test("example.xa", profile, resources=resources, traces_queries=True)
        finally:
            await resources.close()

    with world:
        return asyncio.run(whole())


def test_traced_runs_give_every_tag_of_the_run(tmp_path: Path) -> None:
    results = [run(build(), tmp_path, **options, traces_queries=True) for build, options in TRACED.values()]
    reported = [entry for result in (*results, run_over_ipv6(tmp_path)) for entry in result.entries]
    values = {entry.tag for entry in reported if entry.module == "SYSTEM"}
    assert all(set(entry.args) <= set(FACTS[entry.tag][1:]) for entry in reported if entry.tag in FACTS)
    by_command = {"RESTORED_NS_CACHE", "SAVED_NS_CACHE"}  # test_recordings.py
    assert set(FACTS) - values == NEVER | ELSEWHERE | by_command


def test_ordinary_run_says_nothing_of_its_queries(tmp_path: Path) -> None:
    found = {entry.tag for entry in run(silent_server(), tmp_path, profile=QUICK).entries if entry.module == "SYSTEM"}
    assert found == {
        "ASN_LOOKUP_SOURCE",
        "DEPENDENCY_VERSION",
        "GLOBAL_VERSION",
        "MODULE_END",
        "MODULE_VERSION",
        "START_TIME",
        "TEST_TARGET",
        "IPV6_AUTO_DISABLED",
    }
