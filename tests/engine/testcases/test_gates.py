"""The conditions of BASIC and SYNTAX cases, and the findings about skipped cases."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test
from tests.support.case_runs import A1, A2, example_world
from tests.support.dnsworld import World, faults

PROFILE = default_profile().merge({"net": {"allow_non_global_targets": True}})


def run(world: World, directory: Path, domain: str = "example.xa", **options: Any) -> RunResult:
    async def whole() -> RunResult:
        resources = Resources.open(root_hints=world.write_hints(directory / "hints"), dns_port=world.port)
        try:
            return await run_test(domain, PROFILE, resources=resources, **options)
        finally:
            await resources.close()

    with world:
        return asyncio.run(whole())


def cases_of(result: RunResult) -> set[str]:
    return {entry.testcase for entry in result.entries if entry.testcase}


def refusing() -> World:
    world = example_world()
    for address in (A1, A2):
        world.server(address).fault(faults.rcode("REFUSED"))
    return world


def test_basic03_is_left_out_when_a_server_works(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, tests=["basic"])
    assert cases_of(result) == {"basic01", "basic02"}
    entries = [entry for entry in result.entries if entry.tag == "HAS_NAMESERVER_NO_WWW_A_TEST"]
    assert [(entry.module, entry.testcase, entry.args) for entry in entries] == [("BASIC", "", {"zname": "example.xa"})]


def test_basic03_runs_when_no_server_works(tmp_path: Path) -> None:
    result = run(refusing(), tmp_path, tests=["basic"])
    assert cases_of(result) == {"basic01", "basic02", "basic03"}


@pytest.mark.parametrize(("tests", "expected"), [(["basic"], {"basic01"}), (["basic03"], {"basic03"})])
def test_basic_ends_without_zone_as_far_as_that_is_known(tmp_path: Path, tests: list[str], expected: set[str]) -> None:
    result = run(example_world(), tmp_path, "gone.xa", tests=tests)
    assert cases_of(result) == expected
    assert not [entry for entry in result.entries if entry.tag == "HAS_NAMESERVER_NO_WWW_A_TEST"]


def test_name_with_other_characters_is_not_checked_further(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, "_dmarc.xa", tests=["syntax"])
    assert cases_of(result) == {"syntax01", "syntax02", "syntax03"}


def test_syntax_needs_an_soa_record_for_two_cases(tmp_path: Path) -> None:
    result = run(refusing(), tmp_path, tests=["syntax"])
    assert cases_of(result) == {f"syntax0{number}" for number in (1, 2, 3, 4, 5, 8)}


def test_case_that_others_wait_for_need_not_be_selected(tmp_path: Path) -> None:
    result = run(refusing(), tmp_path, tests=["syntax06", "syntax07"])
    assert cases_of(result) == {"syntax06", "syntax07"}
