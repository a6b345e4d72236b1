from __future__ import annotations

from typing import Any

import pytest

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.errors import ScoringConfigError
from gonemaster_engine.scoring.config import CRITERION_NAMES, DEFAULT_CONFIG, parse_config
from gonemaster_engine.scoring.rule import RULE_VERSION
from gonemaster_engine.scoring.score import Score, compute_score

PERFECT = (
    "BASIC B01_CHILD_FOUND INFO",
    "DNSSEC DS07_SIGNED INFO",
    "DNSSEC DS05_ALGO_OK INFO",
    "DNSSEC DS03_NO_NSEC3 INFO",
    "DNSSEC DS15_HAS_CDS_AND_CDNSKEY INFO",
    "CONNECTIVITY IPV6_DIFFERENT_ASN INFO",
)


def entries(*lines: str) -> list[Entry]:
    made = []
    for line in lines:
        module, tag, level = line.split()
        made.append(Entry(0.0, module, "", tag, Level.parse(level), {}))
    return made


def scored(*lines: str, domain: str = "example.org", **config: Any) -> Score:
    score = compute_score(domain, entries(*lines), parse_config(config))
    assert score is not None
    return score


def test_run_without_entries_is_an_a_with_100() -> None:
    score = scored()
    assert (score.score, score.grade, score.eligible) == (100, "A", False)
    assert not any(category.tested for category in score.categories.values())


# Weights 1.5 + 1.2 + 1.0 + 0.8 = 4.5; a penalty of p in a category costs p * weight / 4.5, the rest is cut off.
TOTALS = [
    (("ZONE X NOTICE",), 99),
    (("ZONE X WARNING",), 99),
    (("DNSSEC X WARNING",), 98),
    (("DNSSEC X ERROR",), 93),
    (("NAMESERVER X ERROR", "BASIC X ERROR", "DELEGATION X WARNING"), 88),
    (("CONNECTIVITY X ERROR", "ADDRESS X ERROR"), 91),
    (("CONSISTENCY X ERROR", "SYNTAX X ERROR", "ZONE X ERROR"), 89),
    (("DNSSEC X ERROR",) * 9, 66),
    (("DNSSEC DS07_NOT_SIGNED NOTICE",), 93),
    (("dnssec ds07_not_signed NOTICE",), 93),
    (("NAMESERVER N15_SOFTWARE_VERSION WARNING",), 100),
    (("SYSTEM X ERROR",), 100),
    (("ELSEWHERE X ERROR",), 100),
    (("ZONE X INFO", "ZONE X DEBUG3"), 100),
]


@pytest.mark.parametrize(("lines", "total"), TOTALS)
def test_total_is_the_weighted_mean_cut_to_a_whole_number(lines: tuple[str, ...], total: int) -> None:
    assert scored(*lines).score == total


def test_category_counts_penalties_down_to_zero() -> None:
    dnssec = scored(*("DNSSEC X ERROR",) * 6, "DNSSEC Y INFO").categories["dnssec"]
    assert (dnssec.score, dnssec.penalties, dnssec.entry_count, dnssec.tested) == (0, 120, 7, True)


def test_category_without_entries_counts_as_100() -> None:
    zone = scored("DNSSEC X ERROR").categories["zone_consistency"]
    assert (zone.score, zone.tested) == (100, False)


def test_critical_caps_the_total_and_leaves_the_breakdown() -> None:
    score = scored("BASIC B02_NO_DELEGATION CRITICAL", "ZONE X ERROR")
    assert (score.score, score.grade) == (10, "F")
    assert score.categories["nameserver_health"].score == 100
    assert score.categories["zone_consistency"].score == 80


def test_critical_does_not_lift_a_lower_total() -> None:
    lines = [f"{module} X ERROR" for module in ("DNSSEC", "BASIC", "ZONE", "ADDRESS") for _ in range(5)]
    assert scored(*lines, "SYSTEM CANNOT_CONTINUE CRITICAL").score == 0


GRADES = [(100, "A"), (90, "A"), (89, "B"), (75, "B"), (74, "C"), (60, "C"), (59, "D"), (40, "D"), (39, "F"), (0, "F")]


@pytest.mark.parametrize(("total", "grade"), GRADES)
def test_grade_of_a_total(total: int, grade: str) -> None:
    only_zone: dict[str, Any] = {"category_weights": {"zone": 1}, "module_categories": {"ZONE": "zone"}}
    score = scored("ZONE X ERROR", severity_penalties={"ERROR": 100 - total}, **only_zone)
    assert (score.score, score.grade) == (total, grade)


def test_best_grade_needs_all_criteria() -> None:
    score = scored(*PERFECT)
    assert (score.score, score.grade, score.eligible) == (100, "A+", True)
    assert score.criteria == dict.fromkeys(CRITERION_NAMES, True)


def test_score_does_not_depend_on_the_tag_set() -> None:
    for tag in ("DS05_ALGO_RECOMMENDED INFO", "DS05_ALGO_MAY NOTICE"):
        newest = [f"DNSSEC {tag}" if "DS05_ALGO_OK" in entry else entry for entry in PERFECT]
        assert newest != list(PERFECT)
        assert (scored(*newest).score, scored(*newest).grade) == (100, "A+")


CRITERIA = [
    ("no_warnings_or_errors", ["ZONE X WARNING"], False),
    ("no_warnings_or_errors", ["ZONE X NOTICE"], True),
    ("dnssec_enabled", ["DNSSEC DS07_NOT_SIGNED NOTICE"], False),
    ("dnssec_enabled", ["DNSSEC DS07_SIGNED INFO"], True),
    ("strong_algorithm", ["DNSSEC DS01_DS_ALGO_OK INFO"], True),
    ("strong_algorithm", ["DNSSEC DS05_ALGO_OK INFO"], True),
    ("strong_algorithm", ["DNSSEC DS05_ALGO_RECOMMENDED INFO"], True),
    ("strong_algorithm", ["DNSSEC DS05_ALGO_MAY NOTICE"], True),
    ("strong_algorithm", ["DNSSEC DS05_ALGO_RECOMMENDED INFO", "DNSSEC DS05_ALGO_DEPRECATED ERROR"], False),
    ("strong_algorithm", ["DNSSEC DS05_ALGO_OK INFO", "DNSSEC DS05_ALGO_DEPRECATED ERROR"], False),
    ("strong_algorithm", ["DNSSEC DS05_ALGO_OK INFO", "DNSSEC DS05_ALGO_NOT_RECOMMENDED WARNING"], False),
    ("strong_algorithm", ["DNSSEC DS05_ALGO_OK INFO", "DNSSEC DS01_DS_ALGO_DEPRECATED ERROR"], False),
    ("strong_algorithm", ["ZONE X INFO"], False),
    ("nsec3_non_optout", ["DNSSEC DS03_NO_NSEC3 INFO"], True),
    ("nsec3_non_optout", ["DNSSEC DS03_NSEC3_OPT_OUT_DISABLED INFO"], True),
    ("nsec3_non_optout", ["DNSSEC DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD NOTICE"], False),
    (
        "nsec3_non_optout",
        ["DNSSEC DS03_NSEC3_OPT_OUT_ENABLED_TLD INFO", "DNSSEC DS03_NSEC3_OPT_OUT_DISABLED INFO"],
        None,
    ),
    ("nsec3_non_optout", ["ZONE X INFO"], False),
    ("cds_cdnskey_published", ["DNSSEC DS15_HAS_CDS_NO_CDNSKEY NOTICE"], True),
    ("cds_cdnskey_published", ["DNSSEC DS15_HAS_CDNSKEY_NO_CDS NOTICE"], True),
    ("cds_cdnskey_published", ["DNSSEC DS18_NO_CDS_CDNSKEY_BUT_ROLLOVER_EVIDENCE NOTICE"], None),
    ("cds_cdnskey_published", ["ZONE X INFO"], False),
    ("ipv6_all_nameservers", ["CONNECTIVITY IPV6_ONE_ASN WARNING"], True),
    ("ipv6_all_nameservers", ["CONNECTIVITY IPV6_SAME_ASN NOTICE"], True),
    ("ipv6_all_nameservers", ["CONNECTIVITY IPV6_SAME_ASN NOTICE", "ZONE IPV6_DISABLED DEBUG2"], False),
    ("ipv6_all_nameservers", ["CONNECTIVITY CN01_IPV6_DISABLED NOTICE"], False),
    ("ipv6_all_nameservers", ["ZONE X INFO"], None),
    ("as_diversity", ["CONNECTIVITY IPV4_DIFFERENT_ASN INFO"], True),
    ("as_diversity", ["CONNECTIVITY IPV4_ONE_ASN WARNING"], False),
]


@pytest.mark.parametrize(("criterion", "lines", "met"), CRITERIA)
def test_criterion(criterion: str, lines: list[str], met: bool | None) -> None:
    assert scored(*lines).criteria[criterion] is met


@pytest.mark.parametrize("domain", ["se", "."])
def test_tld_need_not_publish_cds(domain: str) -> None:
    score = scored(*(line for line in PERFECT if "DS15" not in line), domain=domain)
    assert score.criteria["cds_cdnskey_published"] is None
    assert score.grade == "A+"


def test_criteria_that_do_not_count_are_left_out() -> None:
    score = scored("ZONE X INFO", bonus_criteria=["no_warnings_or_errors"])
    assert (dict(score.criteria), score.grade) == ({"no_warnings_or_errors": True}, "A+")


STACKS = [
    ("ZONE IPV4_DISABLED DEBUG2", ("ipv4",)),
    ("CONNECTIVITY CN01_IPV4_DISABLED NOTICE", ("ipv4",)),
    ("ZONE IPV6_DISABLED DEBUG2", ("ipv6",)),
    ("CONNECTIVITY CN01_IPV6_DISABLED NOTICE", ("ipv6",)),
    ("ZONE X INFO", ()),
]


@pytest.mark.parametrize(("line", "stacks"), STACKS)
def test_families_that_were_switched_off_are_listed(line: str, stacks: tuple[str, ...]) -> None:
    assert scored(line).disabled_stacks == stacks


def test_shape_of_the_result() -> None:
    shown = scored("ZONE X ERROR").as_dict()
    assert list(shown) == ["score", "grade", "rule", "cap", "categories", "bonus", "disabled_stacks"]
    assert shown["categories"]["zone_consistency"] == {"score": 80, "penalties": 20, "entry_count": 1, "tested": True}
    assert list(shown["bonus"]) == ["eligible", "criteria"]
    assert (shown["rule"], shown["cap"]) == (RULE_VERSION, None)


SERVERS = [{"ns": f"ns{number}.example", "address": f"192.0.2.{number}"} for number in (1, 2)]
BOTH_SERVE = Entry(0.0, "BASIC", "basic02", "B02_AUTH_RESPONSE_SOA", Level.INFO, {"servers": SERVERS})
RECURSOR = Entry(0.0, "NAMESERVER", "nameserver01", "IS_A_RECURSOR", Level.ERROR, {"servers": SERVERS[1:]})
NO_TCP = Entry(0.0, "CONNECTIVITY", "connectivity02", "CN02_NO_RESPONSE_TCP", Level.WARNING, SERVERS[1])
OK_UDP = Entry(0.0, "CONNECTIVITY", "connectivity01", "CN01_OK_UDP", Level.INFO, {"servers": SERVERS})


def test_harm_of_a_cause_caps_the_grade() -> None:
    score = compute_score("example.org", [BOTH_SERVE, OK_UDP, RECURSOR])
    assert score is not None
    assert (score.score, score.grade, score.uncapped) == (89, "B", 94)
    assert score.as_dict()["cap"] == {
        "harm": "risk",
        "cause": "open_recursor",
        "title": score.cap.cause.title() if score.cap else "",
        "grade": "B",
        "score": 89,
    }


def test_worst_harm_caps_and_replaces_the_penalties_of_its_entries() -> None:
    score = compute_score("example.org", [BOTH_SERVE, OK_UDP, RECURSOR, NO_TCP])
    assert score is not None
    assert (score.score, score.grade, score.uncapped) == (74, "C", 94)
    deductions = score.explained()["deductions"]
    assert [(each["position"], each["cause"], each["penalty"]) for each in deductions] == [
        (2, None, 20),
        (3, "no_tcp", 5),
    ]
    assert [each["points"] for each in deductions] == [5.333, 0]


def test_caps_can_be_changed_and_switched_off() -> None:
    found = [BOTH_SERVE, OK_UDP, RECURSOR, NO_TCP]
    grades = []
    for caps in ({}, {"some": "F"}, {"risk": "D"}):
        score = compute_score("example.org", found, parse_config({"harm_caps": caps}))
        assert score is not None
        grades.append((score.score, score.grade))
    assert grades == [(93, "A"), (39, "F"), (59, "D")]


def test_cap_in_custom_grades_ends_below_the_next_better_grade() -> None:
    bands = [{"grade": "good", "min_score": 80.5}, {"grade": "fair", "min_score": 30}, {"grade": "bad", "min_score": 0}]
    config = parse_config({"grade_bands": bands, "harm_caps": {"some": "fair", "risk": "good"}})
    assert [config.highest_score(grade) for grade in ("good", "fair", "bad")] == [100, 80, 29]
    default_caps = compute_score("example.org", [BOTH_SERVE, OK_UDP, NO_TCP], parse_config({"grade_bands": bands}))
    assert default_caps is not None
    assert (default_caps.grade, default_caps.cap) == ("good", None)


def test_configuration_replaces_maps_wholesale() -> None:
    config = parse_config({"tag_penalties": {"my_tag": 7}, "severity_penalties": {"warning": 50}})
    assert config.penalty("MY_TAG", Level.INFO) == 7
    assert config.penalty("DS07_NOT_SIGNED", Level.NOTICE) == 0
    assert config.penalty("OTHER", Level.WARNING) == 50
    assert config.penalty("OTHER", Level.ERROR) == 0
    assert config.category_weights == DEFAULT_CONFIG.category_weights


def test_penalties_accept_zonemasters_names_of_tags() -> None:
    theirs = parse_config({"tag_penalties": {"in_bailiwick_addr_mismatch": 7}})
    assert theirs.penalty("IN_DOMAIN_ADDR_MISMATCH", Level.ERROR) == 7
    both = parse_config({"tag_penalties": {"IN_DOMAIN_ADDR_MISMATCH": 3, "IN_BAILIWICK_ADDR_MISMATCH": 7}})
    assert both.penalty("IN_DOMAIN_ADDR_MISMATCH", Level.ERROR) == 3


def test_system_module_stays_neutral() -> None:
    values = {**DEFAULT_CONFIG.module_categories, "System": "dnssec"}
    assert scored("SYSTEM X ERROR", module_categories=values).score == 100


def test_fingerprint_tells_configurations_apart() -> None:
    assert parse_config({}).fingerprint == "default"
    assert parse_config(DEFAULT_CONFIG.as_dict()).fingerprint == "default"
    one, other = parse_config({"tag_penalties": {"A": 1}}), parse_config({"tag_penalties": {"A": 2}})
    assert len({one.fingerprint, other.fingerprint, "default"}) == 3


WRONG: list[tuple[Any, str]] = [
    ([], ""),
    ({"weights": {}}, "weights"),
    ({"severity_penalties": {"FATAL": 1}}, "severity_penalties.FATAL"),
    ({"severity_penalties": {"ERROR": -1}}, "severity_penalties.ERROR"),
    ({"severity_penalties": {"ERROR": float("nan")}}, "severity_penalties.ERROR"),
    ({"severity_penalties": {"ERROR": 10**400}}, "severity_penalties.ERROR"),
    ({"category_weights": {"dnssec": "1"}}, "category_weights.dnssec"),
    ({"category_weights": {"dnssec": 1}}, "module_categories.NAMESERVER"),
    ({"category_weights": 5}, "category_weights"),
    ({"module_categories": {"NOPE": "dnssec"}}, "module_categories.NOPE"),
    ({"module_categories": {"ZONE": "nope"}}, "module_categories.ZONE"),
    ({"tag_penalties": {"A": True}}, "tag_penalties.A"),
    ({"harm_caps": {"standard": "A"}}, "harm_caps.standard"),
    ({"harm_caps": {"some": 3}}, "harm_caps.some"),
    ({"harm_caps": {"some": "Z"}}, "harm_caps.some"),
    ({"grade_bands": []}, "grade_bands"),
    ({"grade_bands": [{"grade": "A"}]}, "grade_bands[0]"),
    ({"grade_bands": [{"grade": "A", "min_score": 101}]}, "grade_bands[0].min_score"),
    ({"bonus_criteria": ["luck"]}, "bonus_criteria.luck"),
    ({"bonus_criteria": "all"}, "bonus_criteria"),
]


@pytest.mark.parametrize(("document", "path"), WRONG, ids=[path or "no map" for _, path in WRONG])
def test_wrong_configuration_is_refused_with_its_path(document: Any, path: str) -> None:
    with pytest.raises(ScoringConfigError) as caught:
        parse_config(document)
    assert caught.value.path == path
