"""The seed data of benchmarks resembles a sweep: known findings, no copies, outcomes that many runs share."""

import json
import random
from collections import Counter

import pytest

from benchmarks.sweep.sample import Drawn, Sweep, sweep, word
from gonemaster_engine.testcases.catalogue import cases

RUNS = 400


@pytest.fixture(scope="module")
def drawn() -> list[Drawn]:
    rng = random.Random(1)
    return [sweep().draw(f"{word(number)}.com", rng) for number in range(RUNS)]


def test_findings_are_those_of_the_engine() -> None:
    known = {tag.name for case in cases().values() for tag in case.tags}
    assert [tag for _, testcase, tag, _ in Sweep().kinds if testcase and tag not in known] == []


def test_no_run_has_the_arguments_of_another(drawn: list[Drawn]) -> None:
    assert len({tuple(run.args) for run in drawn}) == RUNS
    assert len({run.timings for run in drawn}) == RUNS


def test_names_of_other_runs_are_replaced(drawn: list[Drawn]) -> None:
    for number, run in enumerate(drawn):
        shown = "".join(run.args) + run.timings
        assert word(number) in shown
        assert shown.isascii()  # no placeholder is left


def test_most_runs_share_their_outcome_and_some_do_not(drawn: list[Drawn]) -> None:
    counts = Counter(tuple(run.kinds) for run in drawn)
    assert counts.most_common(1)[0][1] > RUNS // 20
    assert sum(count == 1 for count in counts.values()) > RUNS // 50


def test_records_are_entries_of_workers(drawn: list[Drawn]) -> None:
    records = sweep().records(drawn[0])
    assert [json.loads(args) for args in drawn[0].args] == [dict(record.args) for record in records]
    assert {record.level for record in records} <= {"INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"}


def test_the_same_numbers_draw_the_same_run() -> None:
    assert sweep().draw("a.example", random.Random(4)) == sweep().draw("a.example", random.Random(4))
