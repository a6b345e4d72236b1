"""Each code of Zonemaster's test cases: a zone fails with it, and the healthy TLD passes its test case."""

from __future__ import annotations

import pytest

from gonemaster_engine.rst.report import RstReport, RstResult, rst_name
from tests.engine.rst.code_table import DOCUMENT, START, Key, Recorded, failing_tags, read_table, record, rows
from tests.engine.rst.code_zones import healthy
from tests.engine.rst.running import case_of, rehearse

TABLE = read_table()


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return record(sorted(set(TABLE.values())))


@pytest.fixture(scope="module")
def passed() -> RstReport:
    return rehearse(healthy())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("key", TABLE, ids="-".join)
def test_a_zone_fails_with_the_code_and_the_healthy_tld_passes(key: Key, recorded: Recorded, passed: RstReport) -> None:
    tag = failing_tags()[key]
    assert any(test == TABLE[key] and case_id == key[1] and tag in tags for test, case_id, tags in recorded)
    assert case_of(passed, rst_name(key[1])).result is RstResult.PASS


def test_each_code_has_a_zone_that_fails() -> None:
    assert set(failing_tags()) == set(TABLE)


def test_the_document_has_the_table() -> None:
    assert START + rows(TABLE) in DOCUMENT.read_text(encoding="utf-8")
