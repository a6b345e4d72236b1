"""Which differences between two runs count as worse or better."""

from dataclasses import replace
from typing import Any

import pytest

from gonemaster_db.models import Watch
from gonemaster_db.service.watched_runs import FollowedRun, TagKey
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.causes.registry import causes_of
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.maintenance.watches.changes import CauseChanges, Grades, compare
from tests.support.rows import NOON

GRADES = Grades.of(DEFAULT_CONFIG)
X: TagKey = ("DNSSEC", "dnssec01", "DS01_X")
Y: TagKey = ("ZONE", "zone01", "Z01_Y")
BEFORE = FollowedRun(1, "job_1", 1, "a.example", None, 1, NOON, 95, "A", "NOTICE", 1)
NOW = replace(BEFORE, key=2, id="job_2", outcome_id=2)


def watch(**fields: Any) -> Watch:
    return Watch(**({"min_level": "ERROR", "grade_drop": 1} | fields))


def event(
    grades: tuple[str | None, str | None] = ("A", "A"),
    before: dict[TagKey, str] | None = None,
    now: dict[TagKey, str] | None = None,
    **fields: Any,
) -> str | None:
    runs = (replace(BEFORE, grade=grades[0]), replace(NOW, grade=grades[1]))
    change = compare(*runs, {1: before or {}, 2: now or {}}, GRADES)
    found = change.event_for(watch(**fields)) if change else None
    return found.value if found else None


@pytest.mark.parametrize(
    ("grades", "drop", "expected"),
    [
        (("A", "A"), 1, None),
        (("A", "B"), 1, "domain.regressed"),
        (("A+", "F"), 5, "domain.regressed"),
        (("A", "B"), 2, None),
        (("A", "C"), 2, "domain.regressed"),
        (("B", "A"), 1, "domain.recovered"),
        (("B", "A"), 2, None),
        (("F", "A+"), 5, "domain.recovered"),
        ((None, "F"), 1, None),
        (("A", None), 1, None),
    ],
)
def test_grades(grades: tuple[str | None, str | None], drop: int, expected: str | None) -> None:
    assert event(grades, grade_drop=drop) == expected


@pytest.mark.parametrize(
    ("before", "now", "level", "expected"),
    [
        ({}, {X: "ERROR"}, "ERROR", "domain.regressed"),
        ({}, {X: "WARNING"}, "ERROR", None),
        ({}, {X: "WARNING"}, "WARNING", "domain.regressed"),
        ({X: "ERROR"}, {X: "ERROR"}, "ERROR", None),
        ({X: "ERROR"}, {X: "CRITICAL"}, "ERROR", None),
        ({X: "ERROR"}, {X: "CRITICAL"}, "CRITICAL", "domain.regressed"),
        ({X: "NOTICE"}, {X: "ERROR"}, "ERROR", "domain.regressed"),
        ({X: "ERROR"}, {}, "ERROR", "domain.recovered"),
        ({X: "ERROR"}, {X: "NOTICE"}, "ERROR", "domain.recovered"),
        ({X: "ERROR"}, {Y: "ERROR"}, "ERROR", "domain.regressed"),
    ],
)
def test_message_tags(before: dict[TagKey, str], now: dict[TagKey, str], level: str, expected: str | None) -> None:
    assert event(before=before, now=now, min_level=level) == expected


def test_worse_in_one_thing_is_worse() -> None:
    assert event(("B", "A"), {}, {X: "ERROR"}) == "domain.regressed"
    assert event(("A", "B"), {X: "ERROR"}, {}) == "domain.regressed"
    assert event(("A", "B"), {X: "ERROR"}, {}, grade_drop=2) is None  # neither worse nor better


def test_grades_of_an_earlier_configuration_count_by_their_scores() -> None:
    assert GRADES.place(replace(BEFORE, grade="excellent", score=95)) == 1
    assert GRADES.place(replace(BEFORE, grade="excellent", score=None)) is None
    assert Grades((("top", 90.0),)).place(replace(BEFORE, grade="low", score=10)) == 1


def test_equal_outcomes_and_grades_are_no_change() -> None:
    assert compare(BEFORE, replace(NOW, outcome_id=1), {}, GRADES) is None


def test_a_change_as_a_document() -> None:
    now = replace(NOW, grade="C", score=65, effective_profile_id=2)
    change = compare(BEFORE, now, {2: {Y: "ERROR", X: "CRITICAL", ("A", "a01", "N"): "NOTICE"}}, GRADES)
    assert change is not None
    (cause,) = causes_of("a.example", [Entry(0.0, "NAMESERVER", "", "IS_A_RECURSOR", Level.ERROR, {})])
    document = change.document("ERROR", "batch_1", CauseChanges(new=[cause]))
    assert document["new_causes"] == [
        {"cause": "open_recursor", "harm": "risk", "level": "ERROR", "title": "Name servers are open resolvers"}
    ]
    assert document["gone_causes"] == []
    assert [tag["tag"] for tag in document["new_tags"]] == ["DS01_X", "Z01_Y"]
    assert document["new_tags"][0] == {"tag": "DS01_X", "module": "DNSSEC", "testcase": "dnssec01", "level": "CRITICAL"}
    assert (document["grade_drop"], document["batch_id"], document["profile_changed"]) == (2, "batch_1", True)
    assert document["previous"] == {
        "run_id": "job_1", "finished_at": "2026-11-25T12:00:00Z", "score": 95, "grade": "A", "worst_level": "NOTICE",
        "policy": None, "policy_version": None, "verdict": None,
    }  # fmt: skip
