"""RST's own codes: for each a zone that fails with it, and a zone that passes."""

from __future__ import annotations

import pytest

from gonemaster_engine.rst.codes import CASES, CONSISTENCY, LEVELS
from gonemaster_engine.rst.report import RstReport, RstResult
from tests.engine.rst.code_zones import ZONES, document_of, healthy
from tests.engine.rst.running import case_of, rehearse
from tests.support.rst_worlds import LIMITS_S, rst_world


@pytest.fixture(scope="module")
def passed() -> RstReport:
    return rehearse(healthy())


def test_healthy_tld_passes_all_test_cases_of_both_suites(passed: RstReport) -> None:
    results = {case.name: case.result for suite in passed.suites for case in suite.cases}
    assert set(results.values()) == {RstResult.PASS}
    assert results.keys() > CASES.keys()
    assert [suite.result for suite in passed.suites] == [RstResult.PASS, RstResult.PASS]
    assert passed.codes == []


@pytest.mark.parametrize(("case", "code"), ZONES)
def test_code_is_reported_for_its_zone_and_not_for_the_healthy_zone(case: str, code: str, passed: RstReport) -> None:
    zone = ZONES[case, code]
    world = zone.world()
    report = rehearse(world, document_of(zone, world))
    failed = case_of(report, case)
    assert failed.result is RstResult.FAIL
    assert code in failed.codes
    (severity,) = {finding.level for finding in failed.findings if finding.code == code}
    assert severity is LEVELS[code]
    assert report.result is RstResult.FAIL
    assert case_of(passed, case).result is RstResult.PASS


def test_answers_must_arrive_within_the_limits_of_rst() -> None:
    assert LIMITS_S == (1.0, 3.0)  # over UDP, and over other transports


def test_each_own_code_has_a_zone() -> None:
    assert set(ZONES) == {(case, code) for case, codes in CASES.items() for code in codes}


def test_zone_without_nsec3_skips_the_case_about_its_parameters() -> None:
    report = rehearse(rst_world())
    assert case_of(report, "dnssec-93").result is RstResult.SKIPPED
    assert report.result is RstResult.PASS


def test_without_ipv6_the_consistency_is_undecided_and_names_the_addresses() -> None:
    case = case_of(rehearse(healthy(), ipv6=False), CONSISTENCY)
    assert case.result is RstResult.UNDECIDED
    assert [finding.code for finding in case.findings] == ["RST_FAMILY_NOT_TESTED"]
