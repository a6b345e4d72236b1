"""The changes of a profile, by single value."""

from __future__ import annotations

from typing import Any

import pytest

from gonemaster_engine.profile.diff import DiffSummary, ProfileDiff, ProfileDifference, diff_profile
from gonemaster_engine.profile.profile import ProfileError, default_profile


def diff(document: dict[str, Any], **base: Any) -> ProfileDiff:
    return diff_profile(document, default_profile().merge(base))


def only(document: dict[str, Any], **base: Any) -> ProfileDifference:
    (found,) = diff(document, **base).properties
    return found


def test_empty_profile_changes_nothing() -> None:
    assert diff({}) == ProfileDiff([])
    assert diff({"net": {}, "resolver": {"defaults": {"debug": True}}}).summary == DiffSummary()


def test_values_that_differ_and_values_that_say_the_same() -> None:
    found = diff({"net": {"ipv6": False, "ipv4": True}, "resolver": {"defaults": {"retry": 7}}})
    assert [(item.path, item.kind, item.default, item.value) for item in found.properties] == [
        ("net.ipv4", "redundant", True, True),
        ("net.ipv6", "changed", True, False),
        ("resolver.defaults.retry", "changed", 2, 7),
    ]
    assert found.summary == DiffSummary(deviations=2, redundant=1)


def test_a_list_is_replaced_as_a_whole() -> None:
    found = only({"asn_db": {"sources": {"RIPE": ["whois.example"]}}})
    assert (found.path, found.wholesale, found.default) == ("asn_db.sources.ripe", True, ["riswhois.ripe.net"])


def test_properties_of_test_cases_are_compared_one_by_one() -> None:
    found = diff({"test_cases_vars": {"Zone06": {"SOA_DEFAULT_TTL_MINIMUM_VALUE": 1}}})
    assert [item.path for item in found.properties] == ["test_cases_vars.zone06.SOA_DEFAULT_TTL_MINIMUM_VALUE"]


def test_test_cases_that_are_left_out_or_unknown() -> None:
    left = [name for name in default_profile().test_cases if name != "zone01"]
    found = only({"test_cases": [*left, "zone99"]})
    assert (found.kind, found.wholesale, found.redundant) == ("set", True, False)
    assert (found.excluded, found.unknown, found.deviations) == (["zone01"], ["zone99"], 1)
    assert diff({"test_cases": [*left, "zone99"]}).summary == DiffSummary(deviations=1, unknown=1)
    assert only({"test_cases": list(default_profile().test_cases)}).redundant


def test_levels_by_module() -> None:
    basic = default_profile().as_dict()["test_levels"]["BASIC"]
    found = diff({"test_levels": {"basic": basic | {"B01_CHILD_FOUND": "ERROR", "NEW": "INFO"}, "ZONE": {}}})
    (levels,) = found.properties
    assert (levels.path, levels.kind, levels.wholesale) == ("test_levels", "map", False)
    first, second = levels.modules
    assert (first.module, [(c.key, c.default, c.value) for c in first.changed]) == (
        "BASIC",
        [("B01_CHILD_FOUND", basic["B01_CHILD_FOUND"], "ERROR")],
    )
    assert (first.missing, first.unknown) == ([], ["NEW"])
    assert second.missing == sorted(default_profile().levels["ZONE"])
    assert found.summary == DiffSummary(deviations=1, missing=len(second.missing), unknown=1)


def test_levels_that_say_the_same_are_redundant() -> None:
    assert only({"test_levels": {"BASIC": default_profile().as_dict()["test_levels"]["BASIC"]}}).redundant


def test_compared_with_another_profile_than_the_default() -> None:
    assert only({"net": {"ipv6": False}}, net={"ipv6": False}).redundant
    more = only({"test_cases": ["basic01", "zone01"]}, test_cases=["basic01"])
    assert (more.excluded, more.unknown, more.deviations, more.redundant) == ([], [], 1, False)


@pytest.mark.parametrize("document", [{"nett": {}}, {"test_cases": [1]}, {"test_cases": "zone01"}, {"net": 1}])
def test_what_is_no_profile_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ProfileError):
        diff(document)
