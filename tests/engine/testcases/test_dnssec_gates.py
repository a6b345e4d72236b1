"""The conditions of DNSSEC cases: DNSSEC07 and 11 run first, and only they examine an unsigned zone."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test
from gonemaster_engine.testcases.catalogue import modules
from tests.support.dnssec_worlds import ZONE, secure
from tests.support.dnsworld import World

ALL = [case.id for case in modules()["DNSSEC"].cases]


def run_on(world: World, hints: Path, *, tests: tuple[str, ...] = ("dnssec",)) -> RunResult:
    async def whole() -> RunResult:
        profile = dataclasses.replace(default_profile(), timeout_s=2.0, retry=1, allow_non_global_targets=True)
        resources = Resources.open(root_hints=world.write_hints(hints), dns_port=world.port)
        try:
            return await run_test(ZONE, profile, resources=resources, tests=tests, deadline_s=20)
        finally:
            await resources.close()

    with world:
        return asyncio.run(whole())


def started(result: RunResult) -> list[str]:
    return [entry.testcase for entry in result.entries if entry.tag == "TEST_CASE_START"]


def test_module_begins_with_the_cases_about_being_signed() -> None:
    assert ALL[:2] == ["dnssec07", "dnssec11"]
    assert ALL[2:] == sorted(ALL[2:])


def test_all_cases_run_on_a_signed_zone(tmp_path: Path) -> None:
    result = run_on(secure(), tmp_path / "root.hints")
    assert started(result) == ALL
    assert [entry.args for entry in result.entries if entry.tag == "MODULE_ERROR"] == []


def test_two_cases_run_on_a_zone_that_is_not_signed(tmp_path: Path) -> None:
    result = run_on(secure(False), tmp_path / "root.hints")
    assert started(result) == ["dnssec07", "dnssec11"]
    assert "DS07_NOT_SIGNED" in {entry.tag for entry in result.entries}


@pytest.mark.parametrize("case_id", ["dnssec05", "dnssec10"])
def test_case_runs_unless_the_zone_is_known_to_be_unsigned(case_id: str, tmp_path: Path) -> None:
    assert started(run_on(secure(False), tmp_path / "root.hints", tests=(case_id,))) == [case_id]
