"""`gonemaster --policy`: the verdict in every format, the exit codes, and wrong policies."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.policies.policy import load
from tests.engine.cli.conftest import Call


@pytest.fixture
def policy(tmp_path: Path) -> str:
    """Return a file with the policy for registration that accepts loopback addresses."""
    document: dict[str, Any] = load("registration").as_dict() | {"name": "lab", "code_prefix": "LAB_"}
    for suite in document["suites"]:
        suite["fail_tags"] = [tag for tag in suite["fail_tags"] if not tag.startswith("A01_")] or ["NS_IS_CNAME"]
    file = tmp_path / "lab.json"
    file.write_text(json.dumps(document))
    return str(file)


def test_good_domain_passes(call: Call, policy: str) -> None:
    code, out, err = call("good.xa", "--policy", policy)
    assert (code, err) == (0, "")
    assert "The domain passes the policy lab, version 1." in out
    assert "DNSSEC: Pass (passed: 5, failed: 0, undecided: 0)" in out
    assert "Pass: dnssec11, dnssec01, dnssec02" in out


def test_broken_domain_fails_and_the_remedy_is_there(call: Call, policy: str) -> None:
    code, out, _ = call("wrongds.xa", "--policy", policy)
    assert code == 1
    assert "DNSSEC: Fail (passed: 4, failed: 1, undecided: 0)" in out
    assert "  Fail: dnssec02" in out
    assert "ERROR LAB_DS02_NO_VALID_DNSKEY_FOR_ANY_DS: " in out
    assert "Have the registrar replace the DS records" in out


def test_one_failing_domain_of_several_decides_the_exit_code(call: Call, policy: str) -> None:
    code, out, _ = call("good.xa", "plain.xa", "lame.xa", "--policy", policy)
    assert code == 1
    assert [line for line in out.splitlines() if "the policy lab" in line] == [
        "The domain passes the policy lab, version 1.",
        "The domain passes the policy lab, version 1.",
        "The domain fails the policy lab, version 1.",
    ]


def test_case_that_counts_but_does_not_run_is_undecided(call: Call, policy: str) -> None:
    code, out, _ = call("good.xa", "--policy", policy, "--exclude", "dnssec02")
    assert code == 4
    assert "There is no verdict by the policy lab, version 1." in out
    assert "  Undecided: dnssec02\n    The run did not select this test case." in out


def test_single_suite(call: Call, policy: str) -> None:
    code, out, _ = call("wrongds.xa", "--policy", policy, "--suite", "delegation")
    assert code == 0
    assert "DNSSEC:" not in out


def test_bundled_policies(call: Call) -> None:
    code, out, _ = call("lame.xa", "--policy", "rst-v2", "--raw")
    assert code == 1
    assert "POLICY   rst-v2 version=2026.05; result=fail" in out
    assert "SUITE    StandardDNSSEC result=fail" in out
    assert "CASE     nameserver05 result=fail; codes=ZM_A_UNEXPECTED_RCODE" in out.splitlines()


@pytest.mark.parametrize("shape", ["json", "json-stream", "json-lines"])
def test_json_has_verdict_and_causes(call: Call, policy: str, shape: str) -> None:
    code, out, _ = call("wrongds.xa", "--policy", policy, "--format", shape)
    assert code == 1
    document = json.loads(out.splitlines()[-1] if shape == "json-stream" else out)
    verdict = document["verdict"]
    assert (verdict["policy"], verdict["version"], verdict["result"]) == ("lab", "1", "fail")
    assert verdict["harm"] == "validating_resolvers"
    assert [(suite["name"], suite["result"]) for suite in verdict["suites"]][-1] == ("DNSSEC", "fail")
    failing = [finding for suite in verdict["suites"] for case in suite["cases"] for finding in case["findings"]]
    assert "LAB_DS02_NO_VALID_DNSKEY_FOR_ANY_DS" in {finding["code"] for finding in failing}
    assert document["root_causes"][0]["cause"] == "ds_without_key"


def test_junit_has_a_suite_of_each_suite(call: Call, policy: str) -> None:
    _, out, _ = call("wrongds.xa", "--policy", policy, "--exclude", "dnssec09", "--format", "junit")
    suites = {suite.get("name"): suite for suite in ET.fromstring(out)}
    assert set(suites) == {"wrongds.xa Delegation", "wrongds.xa NameServers", "wrongds.xa DNSSEC"}
    dnssec = suites["wrongds.xa DNSSEC"]
    assert (dnssec.get("failures"), dnssec.get("errors")) == ("1", "1")
    kinds = {case.get("name"): child.get("type") for case in dnssec for child in case}
    assert kinds["dnssec09"] == "not_selected"
    assert (kinds["dnssec02"] or "").startswith("LAB_DS02_")


def test_other_formats(call: Call, policy: str) -> None:
    _, out, _ = call("wrongds.xa", "--policy", policy, "--format", "markdown")
    assert "| Suite | Test case | Result | Failing findings |" in out
    assert any(line.startswith("| DNSSEC | dnssec02 | Fail | LAB\\_DS02") for line in out.splitlines())
    _, out, _ = call("wrongds.xa", "--policy", policy, "--format", "prometheus")
    assert 'gonemaster_test_verdict{domain="wrongds.xa",policy="lab",result="fail"} 1' in out
    for shape in ("csv", "sarif"):  # they have no place for it
        _, out, err = call("wrongds.xa", "--policy", policy, "--format", shape)
        assert "the policy lab" not in out
        assert "The domain fails the policy lab, version 1." in err


def test_swedish(call: Call, policy: str) -> None:
    _, out, _ = call("good.xa", "--policy", policy, "--locale", "sv")
    assert "Domänen klarar policyn lab, version 1." in out


def test_policy_of_zonemaster_is_read_with_a_note(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nsuites: [{name: Main, cases: [consistency05], fail_tags: [IN_BAILIWICK_ADDR_MISMATCH]}]\n"
    )
    code, _, err = call("good.xa", "--policy", str(file))
    assert code == 0
    assert "note: " in err
    assert "was replaced with IN_DOMAIN_ADDR_MISMATCH" in err


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--policy", "registratoin"), "is registration meant?"),
        (("--policy", "none.json"), "cannot read none.json"),
        (("--policy", "default", "--suite", "DNSEC"), "is DNSSEC meant?"),
        (("--suite", "DNSSEC"), "--suite needs --policy"),
        (("--policy", "default", "--stop-level", "ERROR"), "--policy cannot be combined with --stop-level"),
        (("--policy", "default", "--zone-file", "-"), "--policy cannot be combined with --zone-file"),
    ],
)
def test_wrong_options(call: Call, args: tuple[str, ...], text: str) -> None:
    code, out, err = call("good.xa", *args)
    assert (code, out) == (2, "")
    assert text in err


def test_wrong_document_is_refused_with_every_problem(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"name": "own", "suites": [{"name": "Main", "cases": ["zone1"], "fail_level": "BAD"}]}))
    code, out, err = call("good.xa", "--policy", str(file))
    assert (code, out) == (2, "")
    assert f"{file}: suites[0].cases[0]: 'zone1' is not a test case or module" in err
    assert "suites[0].fail_level: 'BAD' is not a level" in err


def test_host_without_network_has_its_own_exit_code(call: Call, policy: str) -> None:
    code, out, _ = call("good.xa", "--policy", policy, "--no-ipv4", "--no-ipv6")
    assert code == 3
    assert "There is no verdict by the policy lab, version 1." in out
