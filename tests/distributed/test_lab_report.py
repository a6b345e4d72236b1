"""The figures of the lab are computed as described, and its table in the documents is the one that it prints."""

import re
from dataclasses import replace

import pytest

from tests.distributed.lab import invariants
from tests.distributed.lab.invariants import Times, Verdict
from tests.distributed.lab.load import Accepted, Said
from tests.distributed.lab.report import COLUMNS, SHORT, SHORT_COLUMNS, row, table, written
from tests.distributed.lab.scenarios import SCENARIOS

pytestmark = pytest.mark.core  # starts nothing

SOUND = Verdict(
    jobs=300, lost=0, given_up=0, doubled=0, failed=0, again=4, last_again_s=24.14, standstill_s=0.85, after_over_s=0.0,
    person_s=3.4, any_s=37.8, refused_s=0.26, out_of_turn=0, said={"store_unavailable": 11.0, "no_worker": 3.0},
    sound_s=-1.0, slowest_queue_s=0.43, machine_late_s=0.0,
)  # fmt: skip


def test_the_page_has_a_row_of_each_fault() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    rows = written()
    assert [name for name, line in zip(names, rows, strict=True) if not line[0].startswith(name)] == []
    assert len(set(names)) == len(names)


def test_no_row_of_the_page_breaks_an_invariant() -> None:
    found = {line[0]: (re.sub(r" \(.*?\)", "", line[1]).partition(": ")[2], line[6]) for line in written()}
    assert {name: cells for name, cells in found.items() if cells != ("0, 0, 0", "0")} == {}


def test_the_page_about_reliability_has_the_same_table() -> None:
    assert table(written(), SHORT_COLUMNS) in SHORT.read_text(encoding="utf-8")


def test_a_row_says_what_was_found() -> None:
    cells = row("worker cut off", SOUND, "by netem", when="2026-11-30 21da76d1")
    assert cells == [
        "worker cut off, by netem", "300: 0, 0, 0", "4, 24.1 s", "0.8 s", "3.4 s, 37.8 s", "0.3 s", "0",
        "`no_worker` 3.0 s, `store_unavailable` 11.0 s", "0.0 s", "0.4 s", "2026-11-30 21da76d1",
    ]  # fmt: skip
    assert [line.count("|") for line in table([cells]).splitlines()] == [len(COLUMNS) + 1] * 3


def test_jobs_that_the_standby_never_had_are_not_lost() -> None:
    cells = row("promotion", replace(SOUND, given_up=7, last_again_s=None, sound_s=None))
    assert cells[1:3] + cells[8:9] == ["300: 0 (7 that the standby never had), 0, 0", "0", "not within 90 s"]
    assert SOUND.breaches == []
    assert replace(SOUND, lost=2, doubled=1, out_of_turn=3).breaches == ["2 lost", "1 doubled", "3 out of turn"]


@pytest.mark.parametrize(
    ("starts", "over", "expected"),
    [
        ([8.0, 9.0, 10.5, 14.5, 15.0], 13.0, (4.0, 1.5)),
        ([9.0, 12.0, 12.5], 13.0, (2.0, 0.0)),
        ([9.0, 40.0], None, (30.0, 0.0)),
        ([9.0], 13.0, (0.0, 0.0)),
    ],
)
def test_the_standstill_is_the_longest_time_without_a_start(
    starts: list[float], over: float | None, expected: tuple[float, float]
) -> None:
    accepted = [Accepted(str(number), True, 0.0, 1.0) for number in range(len(starts))]
    of_jobs = {str(number): [at] for number, at in enumerate(starts)}
    assert invariants._standstill(accepted, of_jobs, Times((10.0,), over)) == expected


def test_idle_workers_are_not_stalled() -> None:
    accepted = [Accepted("first", True, 0.0, 1.0), Accepted("second", False, 29.0, 30.0)]
    starts = {"first": [11.0], "second": [30.5]}
    assert invariants._standstill(accepted, starts, Times((10.0,), 20.0)) == (1.0, 0.0)


def test_a_second_start_counts_from_the_last_time_that_the_fault_was_done() -> None:
    times = Times((10.0, 40.0), 70.0)
    assert [times.since_last(at) for at in (9.0, 25.0, 45.0)] == [-1.0, 15.0, 5.0]


def test_a_batch_job_is_out_of_turn_while_a_person_has_waited_too_long() -> None:
    accepted = [
        Accepted("person", False, 0.0, 1.0),
        Accepted("batch", True, 0.0, 0.5),
        Accepted("late", True, 0.0, 0.5),
    ]
    assert invariants._out_of_turn(accepted, {"person": [9.0], "batch": [5.9], "late": [8.0, 8.5]}) == 1
    assert invariants._out_of_turn(accepted, {"person": [9.0], "batch": [5.9], "late": [9.5]}) == 0
    assert invariants._out_of_turn(accepted, {"batch": [5.9]}) == 0


def test_what_health_says_counts_from_the_fault_and_only_if_it_is_new() -> None:
    message = [
        Said(9.0, "api1", frozenset({"clock_skew"}), 0.1),
        Said(14.0, "api2", frozenset({"clock_skew", "no_worker"}), 0.1),
        Said(13.0, "api1", frozenset({"no_worker"}), 0.1),
        Said(22.0, "api1", frozenset({"lease_ended"}), 0.1),
        Said(23.0, "api1", frozenset({"clock_skew"}), 0.1),
    ]
    assert invariants._heard(message, Times((10.0,), 20.0)) == ({"no_worker": 3.0, "lease_ended": 12.0}, 2.0)
    assert invariants._heard(message[:1], Times((10.0,), None)) == ({}, 0.0)
