"""Verdicts of policies on runs against name servers on loopback addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.messages import locales
from gonemaster_engine.findings.messages.policies import REASONS
from gonemaster_engine.policies.policy import Policy, load
from gonemaster_engine.policies.verdict import PolicyResult, PolicyVerdict, judge, judge_result, reason_text
from gonemaster_engine.run.run import RunResult
from tests.engine.run.test_run import QUICK, run
from tests.support.case_runs import A1, A2, example_world
from tests.support.dnsworld import World, faults

ADDRESSES = ["A01_LOCAL_USE_ADDR", "A01_NO_GLOBALLY_REACHABLE_ADDR"]  # the world is on loopback addresses


def on_loopback(name: str, **changes: Any) -> Policy:
    """Return a bundled policy that accepts the addresses of the test world."""
    document = load(name).as_dict() | {"needs": []} | changes
    for suite in document["suites"]:
        suite["ignore_tags"] = [*suite["ignore_tags"], *ADDRESSES]
        suite["fail_tags"] = [tag for tag in suite["fail_tags"] if tag not in ADDRESSES]
    return load(document)


def judged(world: World, tmp_path: Path, policy: Policy, **options: Any) -> tuple[RunResult, PolicyVerdict]:
    options.setdefault("profile", policy.applied_to(QUICK))
    result = run(world, tmp_path, **options)
    return result, judge_result(policy, result)


def results(verdict: PolicyVerdict) -> dict[str, str]:
    return {suite.name: suite.result.value for suite in verdict.suites}


@pytest.mark.parametrize("name", ["default", "registration"])
def test_good_delegation_passes(tmp_path: Path, name: str) -> None:
    _, verdict = judged(example_world(), tmp_path, on_loopback(name))
    assert verdict.result is PolicyResult.PASS
    assert set(results(verdict).values()) == {"pass"}
    assert verdict.findings == []
    assert verdict.reasons == ()


def test_failing_findings_have_their_case_and_their_cause(tmp_path: Path) -> None:
    world = example_world()
    world.zone_of("example.xa").not_on(A2)
    result, verdict = judged(world, tmp_path, on_loopback("registration"))
    assert verdict.result is PolicyResult.FAIL
    assert results(verdict)["NameServers"] == "fail"
    failing = {finding.entry.tag for finding in verdict.findings}
    assert {"IS_NOT_AUTHORITATIVE", "CN01_UNEXPECTED_RCODE_SOA_QUERY_UDP"} <= failing
    for finding in verdict.findings:
        assert result.entries[finding.position] is finding.entry
    document = verdict.as_document()
    decisive = [cause for cause in document["root_causes"] if cause["decisive"]]
    assert decisive == document["root_causes"][: len(decisive)] != []
    assert all(cause["remedy"] for cause in decisive)
    (document_of_case,) = [
        each for suite in document["suites"] for each in suite["cases"] if each["case"] == "connectivity01"
    ]
    assert document_of_case["result"] == "fail"
    assert all(finding["message"] and finding["advice"] for finding in document_of_case["findings"])


def test_findings_below_the_level_do_not_fail(tmp_path: Path) -> None:
    world = example_world()
    world.zone_of("example.xa").on(A2, serial=99)
    _, verdict = judged(world, tmp_path, on_loopback("default"))
    assert verdict.result is PolicyResult.PASS
    strict = on_loopback("default")
    suites = [{**suite.as_dict(), "fail_tags": ["MULTIPLE_SOA_SERIALS"]} for suite in strict.suites]
    _, verdict = judged(world, tmp_path, load(strict.as_dict() | {"suites": suites}))
    assert [finding.entry.tag for finding in verdict.findings] == ["MULTIPLE_SOA_SERIALS"]


def test_policy_sets_levels_of_a_run_with_another_profile(tmp_path: Path) -> None:
    world = example_world()
    world.zone_of("example.xa").not_on(A2)
    result = run(world, tmp_path)
    verdict = judge_result(on_loopback("rst-v2"), result)
    tag = "CN01_UNEXPECTED_RCODE_SOA_QUERY_UDP"
    assert {entry.level for entry in result.entries if entry.tag == tag} == {Level.WARNING}
    codes = {finding.code: finding.level for finding in verdict.findings}
    assert codes[f"ZM_{tag}"] is Level.ERROR
    assert "ZM_NO_IPV6_NS_DEL" in codes


def test_deadline_never_gives_a_pass(tmp_path: Path) -> None:
    world = example_world()
    for address in (A1, A2):
        world.server(address).fault(faults.delay(2), qtype="DNSKEY")
    patient = QUICK.merge({"resolver": {"defaults": {"timeout": 200, "retrans": 200}}})
    policy = on_loopback("default")
    result, verdict = judged(world, tmp_path, policy, profile=policy.applied_to(patient), deadline_s=1.5)
    assert result.unfinished
    assert verdict.result is PolicyResult.UNDECIDED
    assert "cut_off" in verdict.reasons
    undecided = {case.case for suite in verdict.suites for case in suite.of(PolicyResult.UNDECIDED)}
    assert undecided == set(result.unfinished)


def test_failure_found_before_the_deadline_is_a_failure(tmp_path: Path) -> None:
    world = example_world()
    world.zone_of("example.xa").not_on(A2)
    world.server(A1).fault(faults.delay(2), qtype="DNSKEY")
    patient = QUICK.merge({"resolver": {"defaults": {"timeout": 200, "retrans": 200}}})
    policy = on_loopback("registration")
    result, verdict = judged(world, tmp_path, policy, profile=policy.applied_to(patient), deadline_s=1.5)
    assert result.unfinished
    assert verdict.result is PolicyResult.FAIL


def test_case_that_counts_but_was_not_selected_is_undecided(tmp_path: Path) -> None:
    _, verdict = judged(example_world(), tmp_path, on_loopback("registration"), exclude=["delegation01"])
    assert verdict.result is PolicyResult.UNDECIDED
    (undecided,) = [case for suite in verdict.suites for case in suite.of(PolicyResult.UNDECIDED)]
    assert (undecided.case, undecided.reason) == ("delegation01", "not_selected")


def test_without_network_nothing_is_decided(tmp_path: Path) -> None:
    policy = on_loopback("default")
    profile = policy.applied_to(QUICK).merge({"net": {"ipv4": False, "ipv6": False}})
    _, verdict = judged(example_world(), tmp_path, policy, profile=profile)
    assert verdict.result is PolicyResult.UNDECIDED
    assert "no_network" in verdict.reasons
    assert {case.result for suite in verdict.suites for case in suite.cases} == {PolicyResult.UNDECIDED}


def test_silent_root_servers_decide_nothing(tmp_path: Path) -> None:
    world = example_world()
    for server in world.zone_of(".").servers:
        server.fault(faults.silence())
    _, verdict = judged(world, tmp_path, on_loopback("default"))
    assert verdict.result is PolicyResult.UNDECIDED
    assert verdict.reasons
    assert verdict.findings == []


def test_needed_address_family_without_which_there_is_no_pass(tmp_path: Path) -> None:
    _, verdict = judged(example_world(), tmp_path, on_loopback("registration", needs=["ipv4", "ipv6"]))
    assert (verdict.result, verdict.reasons) == (PolicyResult.UNDECIDED, ("no_ipv6",))


def test_domain_without_delegation_fails(tmp_path: Path) -> None:
    _, verdict = judged(example_world(), tmp_path, on_loopback("registration"), domain="missing.xa")
    assert verdict.result is PolicyResult.FAIL
    assert "B01_NO_CHILD" in {finding.entry.tag for finding in verdict.findings}
    reasons = {case.reason for suite in verdict.suites for case in suite.of(PolicyResult.UNDECIDED)}
    assert reasons == {"not_continued"}


def test_too_long_name_fails_outside_of_a_case(tmp_path: Path) -> None:
    _, verdict = judged(example_world(), tmp_path, on_loopback("default"), domain=f"{'a' * 64}.xa")
    assert verdict.result is PolicyResult.FAIL
    (failed,) = [case for suite in verdict.suites for case in suite.of(PolicyResult.FAIL)]
    assert (failed.case, failed.findings[0].entry.tag) == ("basic", "DOMAIN_NAME_LABEL_TOO_LONG")


def test_suite_does_not_apply_without_ds(tmp_path: Path) -> None:
    world = example_world()
    _, verdict = judged(world, tmp_path, on_loopback("registration"))
    (dnssec,) = [suite for suite in verdict.suites if suite.name == "DNSSEC"]
    assert {case.reason for case in dnssec.cases} == {"not_applicable"}


def test_error_in_a_case_is_undecided() -> None:
    policy = on_loopback("registration")
    error = Entry(0.1, "SYSTEM", "basic02", "MODULE_ERROR", Level.CRITICAL, {"module": "basic02", "msg": "x"})
    verdict = judge(policy, [error])
    assert verdict.result is PolicyResult.UNDECIDED
    assert {case.case for suite in verdict.suites for case in suite.of(PolicyResult.UNDECIDED)} == {"basic02"}


@pytest.mark.parametrize(("tag", "reason"), [("RUN_LIMIT_REACHED", "limit"), ("NO_ANSWER_UNDECIDED", "lost_packets")])
def test_incomplete_run_is_no_pass(tag: str, reason: str) -> None:
    args: dict[str, Any] = {"testcases": [], "limits": []}
    verdict = judge(on_loopback("registration"), [Entry(0.1, "SYSTEM", "", tag, Level.WARNING, args)])
    assert (verdict.result, verdict.reasons) == (PolicyResult.UNDECIDED, (reason,))


def test_no_entries_are_no_pass() -> None:
    assert judge(load("default"), []).reasons == ("no_result",)


@pytest.mark.parametrize("locale", locales())
def test_every_reason_has_a_text(locale: str) -> None:
    assert len({reason_text(reason, locale=locale) for reason in REASONS}) == len(REASONS)
