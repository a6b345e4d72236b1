"""Profiles that were written for another engine: what they lack, and how they are repaired."""

from __future__ import annotations

from typing import Any

import pytest

from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile import repair
from gonemaster_engine.profile.profile import default_profile

CASES = list(default_profile().test_cases)
BASIC = default_profile().as_dict()["test_levels"]["BASIC"]


def test_profile_that_lists_neither_test_cases_nor_levels_has_no_issue() -> None:
    assert repair.find_issues({}) == []
    assert repair.find_issues({"net": {"ipv6": False}, "test_levels": {"UNHEARD": {"OF": "INFO"}}}) == []
    assert repair.find_issues({"test_cases": CASES, "test_levels": {"BASIC": BASIC}}) == []


def test_missing_test_cases_are_one_issue_with_sorted_names() -> None:
    (issue,) = repair.find_issues({"test_cases": [name for name in CASES if name not in ("zone01", "address02")]})
    assert (issue.type, issue.module) == ("missing_test_case", "")
    assert issue.detail.endswith("address02, zone01")


def test_missing_levels_are_one_issue_for_each_module_that_is_named() -> None:
    levels = {"basic": {tag: level for tag, level in BASIC.items() if tag != "B01_CHILD_FOUND"}, "zone": {}}
    issues = repair.find_issues({"test_levels": levels})
    assert [(issue.type, issue.module) for issue in issues] == [
        ("missing_test_levels", "BASIC"),
        ("missing_test_levels", "ZONE"),
    ]
    assert issues[0].detail.endswith("B01_CHILD_FOUND")


@pytest.mark.parametrize("document", [{"nett": {}}, {"test_cases": ["zone99"]}, [], None])
def test_what_cannot_be_read_is_one_issue(document: Any) -> None:
    (issue,) = repair.find_issues(document)
    assert issue.type == "invalid_config"


def test_missing_test_cases_are_added_in_order() -> None:
    mended = repair.add_missing_test_cases({"test_cases": ["zone01", "basic02"], "net": {"ipv6": False}})
    assert mended == {"test_cases": sorted(CASES), "net": {"ipv6": False}}
    assert repair.find_issues(mended) == []
    assert repair.add_missing_test_cases({"net": {}}) == {"net": {}}


def test_missing_levels_are_filled_in_where_a_module_is_named() -> None:
    mended = repair.add_missing_test_levels(
        {"test_levels": {"BASIC": {"B01_CHILD_FOUND": "ERROR"}, "X": {"Y": "INFO"}}}
    )
    assert mended == {"test_levels": {"BASIC": BASIC | {"B01_CHILD_FOUND": "ERROR"}, "X": {"Y": "INFO"}}}
    assert repair.find_issues(mended) == []
    assert repair.add_missing_test_levels({}) == {}


def test_reset_removes_what_stands_over_the_default() -> None:
    assert repair.reset_test_cases({"test_cases": ["zone01"], "net": {}}) == {"net": {}}
    both = {"test_levels": {"BASIC": {}, "zone": {"X": "INFO"}}}
    one = repair.reset_test_levels(both, "Zone")
    assert one == {"test_levels": {"BASIC": {}}}
    assert repair.reset_test_levels(one, "ADDRESS") == one
    assert repair.reset_test_levels(one, "basic") == {}


def test_reset_repairs_a_profile_with_a_removed_test_case() -> None:
    broken = {"test_cases": ["zone99"], "test_levels": {"BASIC": 1}}
    for operation in (repair.add_missing_test_cases, repair.add_missing_test_levels, repair.reset_test_cases):
        with pytest.raises(ProfileError):
            operation(broken)
    assert repair.reset_test_cases(repair.reset_test_levels({"test_levels": {"BASIC": 1}}, "BASIC")) == {}
    assert repair.reset_test_cases({"test_cases": ["zone99"]}) == {}


def test_unknown_tags_are_named_with_the_tag_that_may_be_meant() -> None:
    levels = {
        "DELEGATION": {"REFERRAL_SIZE_LARGE": "ERROR", "NS_IS_CNAM": "INFO"},
        "ZONE": {"NS_IS_CNAME": "INFO", "XYZ": "INFO"},
        "BASIC": BASIC,
    }
    assert repair.find_unknown_tags({"test_levels": levels}) == [
        "test_levels.DELEGATION has unknown tags, which have no effect: NS_IS_CNAM (similar: NS_IS_CNAME)",
        "test_levels.ZONE has unknown tags, which have no effect: NS_IS_CNAME (known in DELEGATION), XYZ",
    ]
    assert repair.find_unknown_tags({}) == []
