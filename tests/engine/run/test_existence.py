"""Names that are not zones get an entry with the reason, no score, and a verdict in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.verdict import DOES_NOT_EXIST, NOT_TESTABLE, verdict_of
from gonemaster_engine.run.run import RunResult
from gonemaster_engine.scoring.score import compute_score
from tests.engine.run.test_run import QUICK, run
from tests.support.case_runs import A1, NS1, example_world
from tests.support.dnsworld import World, faults

REASONS = {"TLD_NOT_DELEGATED", "NAME_DOES_NOT_EXIST", "NAME_NOT_A_ZONE"}


def reasons(result: RunResult) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.tag, entry.args) for entry in result.entries if entry.tag in REASONS]


def world_with_hosts() -> World:
    return example_world(records="www A 192.0.2.80\na.b A 192.0.2.81")


CASES = [
    ("example.invalid", "TLD_NOT_DELEGATED", {"tld": "invalid"}, None),
    ("invalid", "TLD_NOT_DELEGATED", {"tld": "invalid"}, None),
    ("missing.xa", "NAME_DOES_NOT_EXIST", {"query_name": "missing.xa", "zone": "xa"}, "xa"),
    ("a.b.missing.xa", "NAME_DOES_NOT_EXIST", {"query_name": "missing.xa", "zone": "xa"}, "xa"),
    ("c.example.xa", "NAME_DOES_NOT_EXIST", {"query_name": "c.example.xa", "zone": "example.xa"}, "example.xa"),
    ("www.example.xa", "NAME_NOT_A_ZONE", {"zone": "example.xa"}, "example.xa"),
    ("b.example.xa", "NAME_NOT_A_ZONE", {"zone": "example.xa"}, "example.xa"),
]


@pytest.mark.parametrize(("domain", "tag", "args", "instead"), CASES, ids=[case[0] for case in CASES])
def test_name_that_is_not_a_zone_has_one_answer(
    tmp_path: Path, domain: str, tag: str, args: dict[str, str], instead: str | None
) -> None:
    result = run(world_with_hosts(), tmp_path, domain)
    assert reasons(result) == [(tag, {"domain": domain} | args)]
    assert compute_score(domain, result.entries) is None
    verdict = verdict_of(result.entries)
    assert verdict is not None
    assert (verdict.harm, verdict.entry.tag, verdict.test_instead) == (DOES_NOT_EXIST, tag, instead)
    missing = args.get("query_name")
    assert verdict.sentence().startswith(f"The name {missing} does not exist" if missing else f"{domain} ")


def test_answer_does_not_depend_on_the_selection(tmp_path: Path) -> None:
    result = run(world_with_hosts(), tmp_path, "missing.xa", tests=["zone01"])
    assert [tag for tag, _ in reasons(result)] == ["NAME_DOES_NOT_EXIST"]
    assert compute_score("missing.xa", result.entries) is None


@pytest.mark.parametrize(
    ("domain", "options"),
    [
        ("example.xa", {}),
        ("xa", {}),
        (".", {}),
        ("missing.xa", {"nameservers": [(NS1, A1)]}),
    ],
    ids=["zone", "tld", "root", "undelegated"],
)
def test_zone_has_a_score_and_no_verdict(tmp_path: Path, domain: str, options: dict[str, Any]) -> None:
    result = run(example_world(), tmp_path, domain, tests=["basic"], **options)
    assert reasons(result) == []
    assert verdict_of(result.entries) is None
    assert compute_score(domain, result.entries) is not None


def test_zone_that_one_parent_server_denies_exists(tmp_path: Path) -> None:
    world = example_world()
    world.server("127.8.1.1").fault(faults.rcode("NXDOMAIN"))
    result = run(world, tmp_path, profile=QUICK, tests=["basic01"])
    assert verdict_of(result.entries) is None


def test_dead_zone_exists_and_has_a_score(tmp_path: Path) -> None:
    world = example_world()
    for address in world.zone_of("example.xa").addresses:
        world.server(address).fault(faults.rcode("REFUSED"))
    result = run(world, tmp_path, profile=QUICK)
    score = compute_score(result.domain, result.entries)
    assert verdict_of(result.entries) is None
    assert score is not None
    assert score.grade == "F"


def test_silent_network_has_no_score_and_says_nothing_about_the_name(tmp_path: Path) -> None:
    world = example_world()
    for server in world.servers.values():
        server.fault(faults.silence())
    result = run(world, tmp_path, profile=QUICK)
    verdict = verdict_of(result.entries)
    assert verdict is not None
    assert (verdict.entry.tag, verdict.is_of_the_tester) == ("NO_NETWORK", True)
    assert reasons(result) == []
    assert compute_score(result.domain, result.entries) is None


def test_zone_below_silent_parents_is_not_judged(tmp_path: Path) -> None:
    world = example_world()
    for address in world.zone_of("xa").addresses:
        world.server(address).fault(faults.silence())
    result = run(world, tmp_path, profile=QUICK, tests=["basic01"])
    verdict = verdict_of(result.entries)
    assert verdict is not None
    assert verdict.entry.tag == "B01_CHILD_UNDETERMINED"
    assert (verdict.harm, verdict.is_of_the_tester, verdict.test_instead) == (NOT_TESTABLE, False, None)
    assert compute_score(result.domain, result.entries) is None


def test_run_of_an_older_version_has_a_verdict() -> None:
    args = {"domain_child": "www.example.xa", "domain_super": "example.xa"}
    verdict = verdict_of([Entry(0.0, "BASIC", "basic01", "B01_NO_CHILD", Level.ERROR, args)])
    assert verdict is not None
    assert verdict.as_dict() == {
        "harm": "does_not_exist",
        "sentence": verdict.sentence(),
        "test_instead": "example.xa",
    }
    assert "www.example.xa is not a zone" in verdict.sentence()


def test_sentence_is_in_the_language_of_the_reader() -> None:
    args = {"domain": "example.invalid", "tld": "invalid"}
    verdict = verdict_of([Entry(0.0, "SYSTEM", "", "TLD_NOT_DELEGATED", Level.NOTICE, args)])
    assert verdict is not None
    assert verdict.sentence() == "example.invalid does not exist: .invalid is not delegated."
    assert verdict.sentence(locale="sv") == "example.invalid finns inte: .invalid är inte delegerad."
