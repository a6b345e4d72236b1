"""Differences from Zonemaster that count as equal, and those that rules may explain (benchmarks/differential.py)."""

from __future__ import annotations

import pytest

from benchmarks.zonemaster.engines import Outcome, Row
from benchmarks.zonemaster.pairs import Comparison, Difference
from benchmarks.zonemaster.rules import Rule, read_rules, rule_for
from benchmarks.zonemaster.runs import WAYS, Run

ZONE = {"name": "example.xa", "signing": "unsigned", "defects": [{"name": "mx_cname"}], "tld_defects": []}
RUN = Run("example.xa plain", ZONE, "plain", "example.xa")
SERVERS = {"ns_list": "ns1.example.xa/192.0.2.1;ns2.example.xa/192.0.2.2"}
ERROR: Row = ["ERROR", "zone09", "Z09_MISSING_MAIL_TARGET", {}]


def compared(ours: list[Row], theirs: list[Row], *, error: str | None = None) -> Comparison:
    comparison = Comparison()
    comparison.add(RUN, Outcome(ours, error, None), Outcome(theirs, None, None))
    return comparison


def differences(ours: list[Row], theirs: list[Row]) -> list[tuple[str, str]]:
    return [(each.what, each.only) for _, each in compared(ours, theirs).differences]


def test_tags_levels_and_arguments_are_compared() -> None:
    one: Row = ["WARNING", "zone08", "MX_RECORD_IS_CNAME", SERVERS]
    assert compared([one], [one]).equal == {"MX_RECORD_IS_CNAME": 1}
    assert differences([one], []) == [("tag", "ours")]
    assert differences([], [one]) == [("tag", "theirs")]
    assert differences([one], [["NOTICE", *one[1:]]]) == [("level", "both")]
    assert differences([one], [[*one[:3], {"ns_list": "ns1.example.xa/192.0.2.1"}]]) == [("args", "both")]
    assert differences([one], [[one[0], "zone09", *one[2:]]]) == [("tag", "ours"), ("tag", "theirs")]


def test_order_types_and_final_dots_are_no_difference() -> None:
    reordered = {"ns_list": "ns2.example.xa./192.0.2.2;ns1.example.xa./192.0.2.1", "count": 2}
    arguments = {**SERVERS, "count": "2"}
    assert not differences([["ERROR", "basic02", "A", arguments]], [["ERROR", "basic02", "A", reordered]])


def test_what_both_give_below_notice_is_left_out() -> None:
    comparison = compared([["INFO", "zone10", "ONE_SOA", {}]], [])
    assert comparison.pairs == 0


@pytest.mark.parametrize("tag", ["MODULE_ERROR", "RUN_DEADLINE_REACHED", "RUN_LIMIT_REACHED"])
def test_nothing_explains_an_error_or_a_limit_of_ours(tag: str) -> None:
    rules = [Rule.read({"tags": ".*", "signing": ".*", "reason": "all"})]
    ((_, ours),) = compared([["DEBUG", "", tag, {}]], []).differences
    assert rule_for(ours, rules) is None
    ((_, theirs),) = compared([], [["ERROR", "", tag, {}]]).differences
    assert rule_for(theirs, rules)


def test_run_that_ended_with_an_error_is_a_difference() -> None:
    ((_, difference),) = compared([], [], error="OSError: no").differences
    assert (difference.tag, rule_for(difference, read_rules())) == ("RUN_ERROR", None)


def test_rule_for_a_tag_names_what_is_wrong_with_the_zone() -> None:
    with pytest.raises(ValueError, match="neither defects nor signing nor ways"):
        Rule.read({"tags": "A01_.*", "only": "ours", "reason": "somehow"})
    with pytest.raises(ValueError, match="unknown keys"):
        Rule.read({"tags": "A01_.*", "defect": ["mx_cname"], "reason": "misspelt"})


@pytest.mark.parametrize(("defect", "explains"), [("mx_cname", True), ("mx_missing", False)])
def test_rule_holds_for_the_defects_that_it_names(defect: str, explains: bool) -> None:
    rule = Rule.read({"tags": "Z09_.*", "only": "ours", "defects": [defect], "reason": "so"})
    ((_, difference),) = compared([ERROR], []).differences
    assert rule.explains(difference) is explains


@pytest.mark.parametrize(
    ("mname", "beside", "is_explained"),
    [
        ("ns1.example.xa", "MNAME_IS_NOT_CNAME", True),
        ("primary-gone.example.xa", "MNAME_IS_NOT_CNAME", False),
        ("ns1.example.xa", "NO_RESPONSE_SOA_QUERY", False),
    ],
)
def test_lack_of_an_address_of_the_mname_is_never_hidden(mname: str, beside: str, is_explained: bool) -> None:
    """The defect is in the plan as primary-gone; without a different verdict of zone07, this engine has missed it."""
    comparison = Comparison()
    ours: list[Row] = [["INFO", "zone07", beside, {"mname": mname}]]
    theirs: list[Row] = [["WARNING", "zone07", "MNAME_HAS_NO_ADDRESS", {"mname": mname}]]
    comparison.add(
        Run("without", ZONE, "without_ipv4", "example.xa"), Outcome(ours, None, None), Outcome(theirs, None, None)
    )
    ((_, difference),) = comparison.differences
    assert bool(rule_for(difference, read_rules())) is is_explained


def test_every_rule_can_be_read_and_names_known_ways() -> None:
    rules = read_rules()
    assert len(rules) > 30
    assert all(rule.ways is None or any(rule.ways.fullmatch(way) for way in WAYS) for rule in rules)
    assert not any(rule.explains(_unknown_difference()) for rule in rules)


def _unknown_difference() -> Difference:
    return Difference(RUN, "tag", "zone09", "Z09_MISSING_MAIL_TARGET", "ours", "ERROR", "", frozenset())
