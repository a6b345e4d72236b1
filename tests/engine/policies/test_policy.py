"""Policy documents: the bundled ones, validation with the nearest known name, and tags of Zonemaster."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from gonemaster_engine.entries import Level
from gonemaster_engine.policies import rst
from gonemaster_engine.policies.checking import UNREPORTED
from gonemaster_engine.policies.policy import BUNDLED, PolicyError, load, load_file, names
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.profile.zonemaster_tags import engine_tag
from gonemaster_engine.testcases.catalogue import cases
from tests.engine.profile.test_wrong_documents import documents, words
from tests.support.examples import examples

SUITE: dict[str, Any] = {"name": "Main", "cases": ["basic02"], "fail_level": "ERROR"}
POLICY: dict[str, Any] = {"name": "own", "suites": [SUITE]}
POLICY_WORDS = words(load("registration").as_dict()) | {"ERROR", "test_levels", "test_cases"}


def problems(document: Any) -> dict[str, str]:
    with pytest.raises(PolicyError) as raised:
        load(document)
    return dict(raised.value.problems)


def suite_problems(**changes: Any) -> dict[str, str]:
    return problems({**POLICY, "suites": [{**SUITE, **changes}]})


@pytest.mark.parametrize("name", names())
def test_bundled_policies_are_their_own_normal_form(name: str) -> None:
    policy = load(name)
    assert policy.name == name
    assert [note.split()[0] for note in policy.notes] == (sorted(UNREPORTED) if name == "rst-v2" else [])
    assert load(policy.as_dict()) == policy
    assert set(policy.cases) <= set(policy.applied_to(default_profile()).test_cases)


def test_default_counts_every_case_and_fails_at_error() -> None:
    policy = load("default")
    assert set(policy.cases) == set(default_profile().test_cases)
    assert {suite.fail_level for suite in policy.suites} == {Level.ERROR}


def test_registration_names_only_tags_that_its_cases_report() -> None:
    policy = load("registration")
    for suite in policy.suites:
        reported = {tag.name for case_id in suite.cases for tag in cases()[case_id].tags}
        assert suite.fail_tags <= reported
        for case_id in suite.cases:  # each case can fail
            assert suite.fail_tags & {tag.name for tag in cases()[case_id].tags}, case_id


def test_rst_is_generated_from_the_facts() -> None:
    assert rst.document(rst.read_facts()) == json.loads(rst.POLICY.read_text())


def test_rst_agrees_with_the_published_test_policies() -> None:
    facts, policy = rst.read_facts(), load("rst-v2")
    profile = policy.applied_to(default_profile())
    assert not set(policy.cases) & set(facts["skip"])
    assert set(policy.cases) == {case_id for case_id in facts["zonemaster_cases"] if case_id not in facts["skip"]}
    checked = 0
    for level, tags in facts["levels"].items():
        for tag in tags:
            for module, known in default_profile().levels.items():
                if (own := engine_tag(tag)) in known:
                    assert profile.level(module, own) is Level[level], tag
                    assert policy.code(own) == f"ZM_{tag}"
                    checked += 1
    assert checked >= sum(map(len, facts["levels"].values())) - len(rst.unknown_tags(facts))
    assert rst.unknown_tags(facts) == sorted(UNREPORTED)


def test_tags_of_rst_that_no_engine_reports_are_noted_and_left_out() -> None:
    levels = {"NAMESERVER": {"unknown_option_code": "ERROR", "AXFR_AVAILABLE": "ERROR"}}
    suite = {**SUITE, "fail_tags": ["B02_NO_DELEGATION", "ALGORITHM_NOT_RECOMMENDED"]}
    policy = load({**POLICY, "profile": {"test_levels": levels}, "suites": [suite]})
    assert policy.profile["test_levels"] == {"NAMESERVER": {"AXFR_AVAILABLE": "ERROR"}}
    assert policy.suites[0].fail_tags == {"B02_NO_DELEGATION"}
    assert [note.split()[0] for note in policy.notes] == ["UNKNOWN_OPTION_CODE", "ALGORITHM_NOT_RECOMMENDED"]
    assert all("no engine reports it" in note for note in policy.notes)


def test_rst_never_fails_for_a_tag_that_zonemaster_does_not_have() -> None:
    policy, own_tags = load("rst-v2"), set(rst.read_facts()["own_tags"])
    profile = policy.applied_to(default_profile())
    for suite in policy.suites:
        for case_id in suite.cases:
            case = cases()[case_id]
            failing = {tag.name for tag in case.tags if suite.fails(tag.name, profile.level(case.module, tag.name))}
            assert failing & own_tags <= {"REFERRAL_SIZE_LARGE"}  # Zonemaster names it REFERRAL_SIZE_TOO_LARGE


def test_unknown_policy_is_named_with_the_nearest() -> None:
    with pytest.raises(PolicyError, match=r"'registratoin' is not a policy; .*is registration meant"):
        load("registratoin")
    assert names() == BUNDLED


def test_unknown_suite_is_named_with_the_nearest() -> None:
    with pytest.raises(PolicyError, match=r"'StandardDNSEC' is not a suite .*is StandardDNSSEC meant"):
        load("rst-v2").only(["StandardDNSEC"])
    assert [suite.name for suite in load("rst-v2").only(["standarddnssec"]).suites] == ["StandardDNSSEC"]


def test_unknown_tags_levels_and_cases_are_named_with_the_nearest() -> None:
    found = suite_problems(
        cases=["dnssec2", "delegaton", 7],
        fail_level="EROR",
        fail_tags=["NS_IS_CNAM"],
        ignore_tags="NS_IS_CNAME",
    )
    assert found["suites[0].cases[0]"].startswith("'dnssec2' is not a test case or module; is dnssec")
    assert "is DELEGATION meant?" in found["suites[0].cases[1]"]
    assert found["suites[0].cases[2]"] == "must be a string, not a number"
    assert "is ERROR meant?" in found["suites[0].fail_level"]
    assert "is NS_IS_CNAME meant?" in found["suites[0].fail_tags[0]"]
    assert found["suites[0].ignore_tags"] == "must be a list of tags"


def test_levels_of_unknown_tags_and_modules_are_refused() -> None:
    levels = {
        "BASIK": {},
        "BASIC": {"B02_NO_WORKING_N": "ERROR", "NS_IS_CNAME": "ERROR"},
        "ZONE": {"NO_RESPONSE": "BAD"},
    }
    found = problems({**POLICY, "profile": {"test_levels": {**levels, "ZONE": {}}}})
    assert "is BASIC meant?" in found["profile.test_levels.BASIK"]
    assert "is B02_NO_WORKING_NS meant?" in found["profile.test_levels.BASIC.B02_NO_WORKING_N"]
    assert found["profile.test_levels.BASIC.NS_IS_CNAME"] == "is a tag of DELEGATION, not of BASIC"
    assert (
        "allowed levels are"
        in problems({**POLICY, "profile": {"test_levels": levels}})["profile.test_levels.ZONE.NO_RESPONSE"]
    )


def test_zonemaster_names_are_replaced_with_a_note() -> None:
    policy = load(
        {
            **POLICY,
            "profile": {"test_levels": {"CONSISTENCY": {"IN_BAILIWICK_ADDR_MISMATCH": "CRITICAL"}}},
            "suites": [{**SUITE, "cases": ["CONSISTENCY"], "ignore_tags": ["OUT_OF_BAILIWICK_ADDR_MISMATCH"]}],
        }
    )
    assert policy.level("CONSISTENCY", "IN_DOMAIN_ADDR_MISMATCH", Level.INFO) is Level.CRITICAL
    assert policy.suites[0].ignore_tags == {"NOT_IN_DOMAIN_ADDR_MISMATCH"}
    assert [note.split()[0] for note in policy.notes] == [
        "IN_BAILIWICK_ADDR_MISMATCH",
        "OUT_OF_BAILIWICK_ADDR_MISMATCH",
    ]


def test_module_means_those_of_its_cases_that_the_profile_selects() -> None:
    policy = load({**POLICY, "profile": {"test_cases": ["zone01", "zone03"]}, "suites": [{**SUITE, "cases": ["zone"]}]})
    assert policy.cases == ("zone01", "zone03")
    found = problems({**POLICY, "profile": {"test_cases": ["zone01"]}})
    assert found["suites[0].cases[0]"] == "basic02 counts, but profile.test_cases does not contain it"


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], ""),
        ({}, "suites"),
        ({"suites": [SUITE]}, "name"),
        ({**POLICY, "name": "Own policy"}, "name"),
        ({**POLICY, "version": 3}, "version"),
        ({**POLICY, "needs": ["ipv5"]}, "needs"),
        ({**POLICY, "code_prefix": "zm"}, "code_prefix"),
        ({**POLICY, "description": "x" * 2001}, "description"),
        ({**POLICY, "colour": "red"}, "colour"),
        ({**POLICY, "profile": {"resolver": {"defaults": {"timeout": -1}}}}, "profile.resolver.defaults.timeout"),
        ({**POLICY, "suites": []}, "suites"),
        ({**POLICY, "suites": [SUITE] * 51}, "suites"),
        ({**POLICY, "suites": ["Main"]}, "suites[0]"),
        ({**POLICY, "suites": [SUITE, {**SUITE, "name": "main"}]}, "suites[1].name"),
        ({**POLICY, "suites": [{**SUITE, "cases": []}]}, "suites[0].cases"),
        ({**POLICY, "suites": [{**SUITE, "cases": ["basic02"] * 2001}]}, "suites[0].cases"),
        ({**POLICY, "suites": [{"name": "Main", "cases": ["basic02"]}]}, "suites[0]"),
        (
            {**POLICY, "suites": [{**SUITE, "fail_tags": ["NS_IS_CNAME"], "ignore_tags": ["ns_is_cname"]}]},
            "suites[0].ignore_tags",
        ),
    ],
)
def test_wrong_documents_are_refused_with_the_path(document: Any, path: str) -> None:
    assert path in problems(document)


@settings(max_examples=examples(30, 300))
@given(documents(POLICY_WORDS))
def test_document_is_a_policy_or_an_error(document: dict[str, Any]) -> None:
    for candidate in (
        document,
        {**POLICY, **document},
        {**POLICY, "suites": [document]},
        {**POLICY, "profile": document},
    ):
        with contextlib.suppress(PolicyError):
            policy = load(candidate)
            assert load(policy.as_dict()) == policy


def test_file_in_yaml(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("name: own\nsuites:\n  - name: Main\n    cases: [basic02]\n    fail_level: warning\n")
    assert load_file(file).suites[0].fail_level is Level.WARNING
    with pytest.raises(PolicyError, match="cannot read"):
        load_file(tmp_path / "none.yaml")


def test_every_rule_of_registration_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "policies.md").read_text()
    (section,) = [part for part in text.split("\n## ") if part.startswith("registration\n")]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    documented = {word.strip("` ") for row in rows for word in row.split("|")[3].split(",") if "`" in word}
    assert documented == {tag for suite in load("registration").suites for tag in suite.fail_tags}


@pytest.mark.parametrize(
    ("named", "reported", "fails"),
    [
        ("IN_BAILIWICK_ADDR_MISMATCH", "CS05_ID_ADDR_MISMATCH", True),
        ("CS05_ID_ADDR_MISMATCH", "IN_DOMAIN_ADDR_MISMATCH", True),
        ("DS05_ALGO_OK", "DS05_ALGO_MAY", True),
        ("DS05_ALGO_MAY", "DS05_ALGO_OK", False),
        ("DS05_ALGO_MAY", "DS05_ALGO_RECOMMENDED", False),
        ("CS05_OOD_ADDR_MISMATCH", "CS05_ID_ADDR_MISMATCH", False),
    ],
)
def test_tag_of_one_release_is_judged_by_a_policy_for_the_other(named: str, reported: str, fails: bool) -> None:
    (failing,) = load({**POLICY, "suites": [{**SUITE, "fail_level": None, "fail_tags": [named]}]}).suites
    (ignoring,) = load({**POLICY, "suites": [{**SUITE, "ignore_tags": [named]}]}).suites
    assert failing.fails(reported, Level.INFO) is fails
    assert ignoring.fails(reported, Level.CRITICAL) is not fails


def test_level_and_code_of_a_replaced_tag_hold_for_the_new_tag() -> None:
    levels = {"CONSISTENCY": {"IN_BAILIWICK_ADDR_MISMATCH": "NOTICE"}}
    policy = load({**POLICY, "code_prefix": "X_", "profile": {"test_levels": levels}})
    assert policy.level("CONSISTENCY", "CS05_ID_ADDR_MISMATCH", Level.ERROR) is Level.NOTICE
    assert policy.code("CS05_ID_ADDR_MISMATCH") == "X_CS05_ID_ADDR_MISMATCH"
    assert load("rst-v2").code("CS05_ID_ADDR_MISMATCH") == "ZM_IN_BAILIWICK_ADDR_MISMATCH"
    assert load("rst-v2").applied_to(default_profile()).zonemaster_tags == "2025.2"
