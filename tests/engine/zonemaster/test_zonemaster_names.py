"""Entries in Zonemaster's format, and the agreement of its table with the registry."""

from __future__ import annotations

from typing import Any

import pytest

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.tags import Tag
from gonemaster_engine.profile.profile import checked_profile, default_profile
from gonemaster_engine.profile.zonemaster_tags import engine_tag, table
from gonemaster_engine.testcases.catalogue import cases
from gonemaster_engine.zonemaster.names import zonemaster_entries
from gonemaster_engine.zonemaster.reading import reader_of

SERVERS = [{"ns": "ns1.example", "address": "192.0.2.1"}, {"ns": "ns2.example", "address": "2001:db8::2"}]
NAMES = [{"ns": "ns1.example"}, {"ns": "ns2.example"}]
PACKED = "ns1.example/192.0.2.1;ns2.example/2001:db8::2"
# SYSTEM tags, which have no test case in this engine
NOT_THERE = frozenset({"packet", "dnssec", "edns_size", "message"})


def as_zonemaster(testcase: str, tag: str, **args: Any) -> list[tuple[str, dict[str, Any]]]:
    entry = Entry(1.0, "MODULE", testcase, tag, Level.INFO, args)
    return [(each.tag, each.args) for each in zonemaster_entries(entry)]


WORDED: list[tuple[str, str, dict[str, Any], list[tuple[str, dict[str, Any]]]]] = [
    (
        "delegation04",
        "IS_NOT_AUTHORITATIVE",
        {"ns": "a", "address": "192.0.2.1", "proto": "UDP"},
        [("IS_NOT_AUTHORITATIVE", {"ns": "a/192.0.2.1", "proto": "UDP"})],
    ),
    (
        "basic01",
        "B01_PARENT_FOUND",
        {"domain": "example", "servers": SERVERS},
        [("B01_PARENT_FOUND", {"domain": "example", "ns_list": PACKED})],
    ),
    (
        "connectivity01",
        "IPV4_DISABLED",
        {"ns": "a", "address": "192.0.2.1", "query_type": "SOA"},
        [("IPV4_DISABLED", {"ns": "a/192.0.2.1", "rrtype": "SOA"})],
    ),
    (
        "delegation02",
        "DEL_NS_SAME_IP",
        {"servers": NAMES, "address": "192.0.2.1"},
        [("DEL_NS_SAME_IP", {"ns_ip": "192.0.2.1", "nsname_list": "ns1.example;ns2.example"})],
    ),
    (
        "connectivity03",
        "IPV4_DIFFERENT_ASN",
        {"asns": [64500, 64501]},
        [("IPV4_DIFFERENT_ASN", {"asn_list": "64500,64501"})],
    ),
    (
        "address03",
        "NAMESERVER_IP_PTR_MISMATCH",
        {"ns": "a", "address": "192.0.2.1", "ptr_names": ["b", "c"]},
        [("NAMESERVER_IP_PTR_MISMATCH", {"names": "b/c", "ns_ip": "192.0.2.1", "nsname": "a"})],
    ),
    (
        "dnssec13",
        "DS13_ALGO_NOT_SIGNED_SOA",
        {"addresses": ["192.0.2.1", "192.0.2.2"], "algo_num": 8, "algo_mnemo": "X"},
        [("DS13_ALGO_NOT_SIGNED_SOA", {"algo_mnemo": "X", "algo_num": 8, "ns_ip_list": "192.0.2.1;192.0.2.2"})],
    ),
    ("zone09", "Z09_MX_FOUND", {"servers": SERVERS}, [("Z09_MX_FOUND", {"ns_ip_list": "192.0.2.1;2001:db8::2"})]),
    (
        "consistency04",
        "NS_SET",
        {"ns_set_servers": NAMES, "servers": SERVERS},
        [("NS_SET", {"nsname_list": "ns1.example;ns2.example", "servers": PACKED})],
    ),
    (
        "dnssec01",
        "DS01_DS_ALGO_OK",
        {"keytag": 1, "ds_algo_num": 2, "ds_algo_descr": "d", "servers": ["-"]},
        [("DS01_DS_ALGO_OK", {"ds_algo_descr": "d", "ds_algo_num": 2, "keytag": 1, "ns_list": "-"})],
    ),
    (
        "nameserver03",
        "AXFR_FAILURE",
        {"servers": SERVERS},
        [("AXFR_FAILURE", {"ns": "ns1.example/192.0.2.1"}), ("AXFR_FAILURE", {"ns": "ns2.example/2001:db8::2"})],
    ),
    (
        "syntax04",
        "NAMESERVER_SYNTAX_OK",
        {"servers": NAMES},
        [("NAMESERVER_SYNTAX_OK", {"domain": "ns1.example"}), ("NAMESERVER_SYNTAX_OK", {"domain": "ns2.example"})],
    ),
    (
        "consistency05",
        "IN_DOMAIN_ADDR_MISMATCH",
        {"ns": "a", "parent_servers": SERVERS, "zone_servers": []},
        [("IN_BAILIWICK_ADDR_MISMATCH", {"parent_addresses": PACKED, "zone_addresses": ""})],
    ),
    (
        "consistency05",
        "CS05_ID_ADDR_MISMATCH",
        {"ns": "ns1.example", "parent_servers": SERVERS[:1], "zone_servers": []},
        [("CS05_ID_ADDR_MISMATCH", {"ns_ip_list_glue": "192.0.2.1", "ns_ip_list_zone": "", "nsname": "ns1.example"})],
    ),
    (
        "consistency05",
        "CS05_DELEGATION",
        {"ns_set_servers": [SERVERS[0], {"ns": "ns2.example"}], "servers": SERVERS},
        [("CS05_DELEGATION", {"ns_deleg_list": "ns1.example/192.0.2.1;ns2.example", "ns_list": PACKED})],
    ),
    (
        "delegation01",
        "NO_IPV6_NS_DEL",
        {"count": 0, "minimum": 2, "servers": []},
        [("NO_IPV6_NS_DEL", {"count": 0, "minimum": 2, "ns_list": ""})],
    ),
    (
        "consistency06",
        "SOA_MNAME",
        {"mname": "ns1.example", "servers": SERVERS},
        [("SOA_MNAME", {"mname": "ns1.example", "ns_list": PACKED})],
    ),
    (
        "nameserver07",
        "NO_UPWARD_REFERRAL",
        {"servers": [*SERVERS, {"ns": "ns2.example", "address": "192.0.2.2"}]},
        [("NO_UPWARD_REFERRAL", {"nsname_list": "ns1.example;ns2.example"})],
    ),
    ("nameserver04", "SAME_SOURCE_IP", {"servers": SERVERS}, [("SAME_SOURCE_IP", {"names": PACKED.replace(";", ",")})]),
    (
        "syntax06",
        "RNAME_MAIL_DOMAIN_INVALID",
        {"domain": "example", "mx": "."},
        [("RNAME_MAIL_DOMAIN_INVALID", {"domain": "."})],
    ),
    ("delegation03", "REFERRAL_SIZE_LARGE", {"size": 600}, [("REFERRAL_SIZE_TOO_LARGE", {"size": 600})]),
    ("zone12", "Z12_NEW", {"servers": SERVERS, "flags": 3}, [("Z12_NEW", {"servers": PACKED, "flags": 3})]),
]


@pytest.mark.parametrize(("testcase", "tag", "args", "worded"), WORDED, ids=[tag for _, tag, _, _ in WORDED])
def test_entry_in_old_words(
    testcase: str, tag: str, args: dict[str, Any], worded: list[tuple[str, dict[str, Any]]]
) -> None:
    assert as_zonemaster(testcase, tag, **args) == worded


EXAMPLES: dict[str, Any] = {
    "servers": SERVERS,
    "parent_servers": SERVERS,
    "zone_servers": SERVERS,
    "ns_set_servers": NAMES,
    "addresses": ["192.0.2.1"],
    "asns": [64500],
    "prefixes": ["192.0.2.0/24"],
    "mail_targets": ["mx.example"],
    "ptr_names": ["ptr.example"],
    "mx_rdata": ["10 mx.example"],
}


def test_table_names_only_what_the_registry_has() -> None:
    for testcase, tags in table()["args"].items():
        if testcase in cases():
            assert tags.keys() <= {tag.name for tag in cases()[testcase].tags}, testcase


@pytest.mark.parametrize("case_id", cases())
def test_every_old_key_has_a_value(case_id: str) -> None:
    tags: dict[str, Tag] = {tag.name: tag for tag in cases()[case_id].tags}
    for name, keys in table()["args"].get(case_id, {}).items():
        args = {key: EXAMPLES.get(key, key) for key in tags[name].keys}
        for _, old in as_zonemaster(case_id, name, **args):
            assert old.keys() == set(keys) - NOT_THERE, name


ALIASES = ("ADDRESS", "BASIC", "CONNECTIVITY")
SIZES = ("REFERRAL_SIZE_LARGE", "REFERRAL_SIZE_TOO_LARGE")


@pytest.mark.parametrize(
    ("levels", "meant"),
    [
        (
            {"DELEGATION": {"REFERRAL_SIZE_TOO_LARGE": "ERROR", "NS_IS_CNAME": "INFO"}},
            {"DELEGATION": dict.fromkeys(SIZES, "ERROR") | {"NS_IS_CNAME": "INFO"}},
        ),
        (
            {"consistency": {"in_bailiwick_addr_mismatch": "info", "OUT_OF_BAILIWICK_ADDR_MISMATCH": "CRITICAL"}},
            {"CONSISTENCY": {"IN_DOMAIN_ADDR_MISMATCH": "INFO", "NOT_IN_DOMAIN_ADDR_MISMATCH": "CRITICAL"}},
        ),
        (
            {"SYSTEM": {"CNAME_LOOP_INNER": "INFO", "CNAME_LOOP_OUTER": "CRITICAL", "NO_NETWORK": "INFO"}},
            {**{name: {"CNAME_CHAIN_TOO_LONG": "CRITICAL"} for name in ALIASES}, "SYSTEM": {"NO_NETWORK": "INFO"}},
        ),
        (
            {"SYSTEM": {"CNAME_NO_MATCH": "INFO"}, "BASIC": {"CNAME_TARGET_UNRESOLVED": "NOTICE"}},
            {name: {"CNAME_TARGET_UNRESOLVED": "NOTICE" if name == "BASIC" else "INFO"} for name in ALIASES},
        ),
        (
            {"DELEGATION": {"REFERRAL_SIZE_TOO_LARGE": "ERROR", "REFERRAL_SIZE_LARGE": "INFO"}},
            {"DELEGATION": {"REFERRAL_SIZE_TOO_LARGE": "ERROR", "REFERRAL_SIZE_LARGE": "INFO"}},
        ),
        ({"BASIC": {}}, {"BASIC": {}}),
    ],
)
def test_levels_of_tags_with_zonemasters_names(levels: dict[str, Any], meant: dict[str, Any]) -> None:
    assert checked_profile({"test_levels": levels}) == {"test_levels": meant}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("IN_BAILIWICK_ADDR_MISMATCH", "IN_DOMAIN_ADDR_MISMATCH"),
        ("IN_BAILIWICK_GLUE_MISSING", "IN_DOMAIN_GLUE_MISSING"),
        ("CNAME_LOOP_INNER", "CNAME_CHAIN_TOO_LONG"),
        ("REFERRAL_SIZE_TOO_LARGE", "REFERRAL_SIZE_TOO_LARGE"),
        ("B01_NO_CHILD", "B01_NO_CHILD"),
        ("NO_SUCH_TAG", "NO_SUCH_TAG"),
    ],
)
def test_tag_that_a_name_means(name: str, meant: str) -> None:
    assert engine_tag(name) == meant


def test_every_renamed_tag_has_a_level_in_the_default_profile() -> None:
    known = {tag for tags in default_profile().levels.values() for tag in tags}
    assert {*table()["tags"], *table()["system_tags"].values()} <= known


@pytest.mark.parametrize(
    ("tag", "args"),
    [
        ("CS05_ID_ADDR_MISMATCH", {"ns": "ns1.example", "parent_servers": SERVERS[:1], "zone_servers": []}),
        ("CS05_DELEGATION", {"ns_set_servers": [SERVERS[0], {"ns": "ns2.example"}], "servers": SERVERS}),
        ("CS05_MISSING_GLUE_FOR_NS", {"ns": "ns3.example", "servers": SERVERS}),
        ("CS05_CHILD_ZONE_LAME", {"servers": SERVERS}),
    ],
)
def test_entry_of_the_newest_release_is_read_as_it_was_written(tag: str, args: dict[str, Any]) -> None:
    if "parent_servers" in args:
        args = args | {"parent_servers": [{"ns": args["ns"], "address": "192.0.2.1"}]}
    ((_, written),) = as_zonemaster("consistency05", tag, **args)
    declared = {each.name: each for each in cases()["consistency05"].tags}
    reader = reader_of("Consistency", "Consistency05", tag, find_tag=lambda _, name: declared.get(name))
    assert reader.args(written) == args


def test_mail_exchanges_of_the_newest_release_are_read_with_their_preferences() -> None:
    declared = {each.name: each for each in cases()["zone09"].tags}
    reader = reader_of("Zone", "Zone09", "Z09_MX_DATA", find_tag=lambda _, name: declared.get(name))
    assert reader.args({"ns_list": PACKED, "mxrdata_list": "10 mx1.example;20 mx2.example"}) == {
        "servers": SERVERS,
        "mx_rdata": ["10 mx1.example", "20 mx2.example"],
    }


def test_delegations_that_differ_have_no_arguments_in_the_newest_release() -> None:
    found = as_zonemaster("consistency05", "CS05_INCONSISTENT_DELEGATION", count=2, ns_names=["ns1.example"])
    assert found == [("CS05_INCONSISTENT_DELEGATION", {})]
