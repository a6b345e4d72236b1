from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.entries import Level
from gonemaster_engine.profile.profile import ProfileError, default_profile, load_profile, parse_profile


def test_default_profile_has_the_documented_values() -> None:
    profile = default_profile()
    assert (profile.timeout_s, profile.retry, profile.retrans_s, profile.parallel) == (5, 2, 3, 8)
    assert (profile.error_cache_ttl_s, profile.positive_cache_ttl_s, profile.negative_cache_ttl_s) == (30, 0, 30)
    assert profile.fallback
    assert profile.ipv4
    assert profile.ipv6
    assert not profile.allow_non_global_targets
    assert not profile.no_network
    assert len(profile.test_cases) == 88
    assert profile.asn_db.sources[profile.asn_db.style] == ("asnlookup.zonemaster.net", "asn.cymru.com")
    assert profile.setting("dnssec04", "REMAINING_SHORT") == 43200


def test_levels_of_an_override_are_merged_per_module_and_tag() -> None:
    merged = default_profile().merge({"test_levels": {"basic": {"b01_child_found": "error"}}})
    assert merged.level("BASIC", "B01_CHILD_FOUND") is Level.ERROR
    untouched = set(default_profile().levels["BASIC"]) - {"B01_CHILD_FOUND"}
    assert all(merged.level("BASIC", tag) is default_profile().level("BASIC", tag) for tag in untouched)
    assert merged.levels["ZONE"] == default_profile().levels["ZONE"]


def test_merge_leaves_the_original_alone() -> None:
    merged = default_profile().merge({"net": {"ipv6": False}, "resolver": {"defaults": {"retry": 7}}})
    assert (merged.ipv6, merged.retry, merged.ipv4) == (False, 7, True)
    assert (default_profile().ipv6, default_profile().retry) == (True, 2)


def test_list_of_test_cases_is_replaced_and_kept_in_order() -> None:
    assert default_profile().merge({"test_cases": ["Zone01", "basic02"]}).test_cases == ("basic02", "zone01")


def test_properties_of_test_cases_are_merged_one_by_one() -> None:
    merged = default_profile().merge({"test_cases_vars": {"dnssec04": {"REMAINING_SHORT": 86400}}})
    assert merged.setting("dnssec04", "REMAINING_SHORT") == 86400
    assert merged.setting("dnssec04", "REMAINING_LONG") == 15552000


def test_tag_without_level_counts_as_debug() -> None:
    assert default_profile().level("ZONE", "NO_SUCH_TAG") is Level.DEBUG
    assert default_profile().level("NO_SUCH_MODULE", "NO_SUCH_TAG") is Level.DEBUG


def test_keys_of_older_profiles_are_read_over() -> None:
    older = {"resolver": {"defaults": {"igntc": True, "recurse": 1, "usevc": "x", "debug": None}}, "logfilter": {}}
    assert default_profile().merge(older).as_dict() == default_profile().as_dict()


def test_effective_profile_makes_the_same_profile_again() -> None:
    profile = default_profile().merge({"net": {"ipv6": False}, "test_levels": {"ZONE": {"MX_RECORD_EXISTS": "NOTICE"}}})
    again = default_profile().merge(json.loads(json.dumps(profile.as_dict())))
    assert again.as_dict() == profile.as_dict()


def test_effective_profile_is_a_copy() -> None:
    default_profile().as_dict()["net"]["ipv4"] = False
    assert default_profile().as_dict()["net"]["ipv4"] is True


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"resolve": {}}, "resolve"),
    ({"resolver": {"defaults": {"retrie": 1}}}, "resolver.defaults.retrie"),
    ({"resolver": {"defaults": {"retry": 0}}}, "resolver.defaults.retry"),
    ({"resolver": {"defaults": {"retry": True}}}, "resolver.defaults.retry"),
    ({"resolver": {"defaults": {"parallel": 256}}}, "resolver.defaults.parallel"),
    ({"resolver": {"defaults": {"timeout": -1}}}, "resolver.defaults.timeout"),
    ({"resolver": {"defaults": {"error_cache_ttl": 86401}}}, "resolver.defaults.error_cache_ttl"),
    ({"resolver": {"defaults": {"fast_fail_timeout_count": 101}}}, "resolver.defaults.fast_fail_timeout_count"),
    ({"resolver": {"defaults": {"nameserver_concurrency": 257}}}, "resolver.defaults.nameserver_concurrency"),
    ({"resolver": {"defaults": {"nameserver_max_total_ms": 600001}}}, "resolver.defaults.nameserver_max_total_ms"),
    ({"resolver": {"source4": "2001:db8::1"}}, "resolver.source4"),
    ({"resolver": {"source6": 6}}, "resolver.source6"),
    ({"net": {"ipv4": "no"}}, "net.ipv4"),
    ({"net": None}, "net"),
    ({"no_network": 0}, "no_network"),
    ({"asn_db": {"style": "whois"}}, "asn_db.style"),
    ({"asn_db": {"sources": {"Cymru": []}}}, "asn_db.sources.Cymru"),
    ({"asn_db": {"sources": {"other": ["x.example"]}}}, "asn_db.sources.other"),
    ({"test_cases": "basic01"}, "test_cases"),
    ({"test_cases": ["basic01", "basic99"]}, "test_cases[1]"),
    ({"test_levels": {"ZONE": {"MX_RECORD_EXISTS": "FATAL"}}}, "test_levels.ZONE.MX_RECORD_EXISTS"),
    ({"test_levels": {"ZONE": ["x"]}}, "test_levels.ZONE"),
    ({"test_cases_vars": {"basic01": {"X": 1}}}, "test_cases_vars.basic01"),
    ({"test_cases_vars": {"zone02": {"X": 1}}}, "test_cases_vars.zone02.X"),
    (
        {"test_cases_vars": {"zone02": {"SOA_REFRESH_MINIMUM_VALUE": "1h"}}},
        "test_cases_vars.zone02.SOA_REFRESH_MINIMUM_VALUE",
    ),
    ({"test_cases_vars": {"delegation08": {"notify": 1}}}, "test_cases_vars.delegation08.notify"),
    ({"logfilter": {"BASIC": {}}}, "logfilter"),
]


@pytest.mark.parametrize(("document", "path"), WRONG, ids=[path for _, path in WRONG])
def test_wrong_value_is_refused_with_its_path(document: dict[str, Any], path: str) -> None:
    with pytest.raises(ProfileError) as caught:
        default_profile().merge(document)
    assert caught.value.path == path
    assert caught.value.reason


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ProfileError) as caught:
        default_profile().merge({"net": {"ipv4": 1}, "unknown": 2})
    assert [path for path, _ in caught.value.problems] == ["net.ipv4", "unknown"]


@pytest.mark.parametrize("text", ['{"net": {"ipv6": false}}', "net:\n  ipv6: false\n"], ids=["json", "yaml"])
def test_profile_file_may_be_json_or_yaml(tmp_path: Path, text: str) -> None:
    file = tmp_path / "profile"
    file.write_text(text, encoding="utf-8")
    assert load_profile(file).ipv6 is False


@pytest.mark.parametrize("text", ["", "\n", "null"])
def test_empty_profile_changes_nothing(text: str) -> None:
    assert parse_profile(text) == {}


@pytest.mark.parametrize("text", ["[1, 2]", "just words", "a: [", "!!python/object:os.system {}"])
def test_text_that_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(ProfileError):
        parse_profile(text)


def test_missing_profile_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"absent\.json"):
        load_profile(tmp_path / "absent.json")


@pytest.mark.parametrize(
    "number",
    ["0x" + "f" * 60_000, "0b" + "1" * 60_000, "1:" + "59:" * 2_000 + "0", "9" * 5_000, "1e400", ".inf", ".nan"],
)
def test_a_huge_number_is_refused_with_a_short_error(number: str, tmp_path: Path) -> None:
    """Python converts at most 4,300 digits to text."""
    file = tmp_path / "profile"
    file.write_text(f"resolver: {{defaults: {{retry: {number}}}}}\ntest_cases: [{number}]\n", encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(file)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "text", ["test_cases: " + "[" * 2_000, "test_cases: &a [*a]", "&a {resolver: *a}", "? [a]\n: 1"]
)
def test_a_document_without_end_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "profile"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError):
        load_profile(file)


def test_error_about_an_endless_value_is_short() -> None:
    nested = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]\n" for n in range(1, 30))
    document = parse_profile(nested + "net: {ipv4: *a29}\ntest_levels: {ZONE: {TAG: *a29}}\n")
    with pytest.raises(ProfileError) as caught:
        default_profile().merge({"net": document["net"], "test_levels": document["test_levels"]})
    assert len(caught.value.problems) == 2
    assert len(str(caught.value)) < 1000


def test_release_of_the_tags_is_a_string_or_a_number_of_yaml() -> None:
    assert default_profile().zonemaster_tags == "2026.1"
    for text in ('{"zonemaster": {"tags": "2025.2"}}', "zonemaster:\n  tags: 2025.2\n", "zonemaster: {tags: '2025.2'}"):
        merged = default_profile().merge(parse_profile(text))
        assert merged.zonemaster_tags == "2025.2"
        assert merged.as_dict()["zonemaster"] == {"tags": "2025.2"}


@pytest.mark.parametrize(
    "value", ["2024.1", 2025, True, None, [], {"2025.2": 1}, "2025.2 ", float("nan"), 2025.25], ids=repr
)
def test_unknown_release_of_the_tags_is_rejected(value: object) -> None:
    with pytest.raises(ProfileError, match=r"zonemaster\.tags: must be a release of Zonemaster: 2025\.2, 2026\.1"):
        default_profile().merge({"zonemaster": {"tags": value}})


def test_level_of_a_replaced_tag_applies_to_its_successors() -> None:
    levels = {"CONSISTENCY": {"IN_BAILIWICK_ADDR_MISMATCH": "INFO"}, "DNSSEC": {"DS05_ALGO_OK": "DEBUG"}}
    merged = default_profile().merge({"test_levels": levels})
    assert merged.level("CONSISTENCY", "CS05_ID_ADDR_MISMATCH") is Level.INFO
    assert merged.level("CONSISTENCY", "CS05_OOD_ADDR_MISMATCH") is Level.WARNING
    assert merged.level("DNSSEC", "DS05_ALGO_MAY") is merged.level("DNSSEC", "DS05_ALGO_RECOMMENDED") is Level.DEBUG
    both = default_profile().merge({"test_levels": {"DNSSEC": {"DS05_ALGO_OK": "DEBUG", "DS05_ALGO_MAY": "ERROR"}}})
    assert both.level("DNSSEC", "DS05_ALGO_MAY") is Level.ERROR
    assert both.level("DNSSEC", "DS05_ALGO_RECOMMENDED") is Level.DEBUG


def test_tag_set_does_not_change_which_responses_a_run_gets() -> None:
    older = default_profile().merge({"zonemaster": {"tags": "2025.2"}})
    assert older.network_settings == default_profile().network_settings
