"""Each rule finds its cause in the entries that show it, and in similar entries no cause, or a less harmful one."""

from __future__ import annotations

from typing import Any

import pytest

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.causes.model import Harm
from gonemaster_engine.findings.causes.registry import RULE_BY_ID, causes_of
from gonemaster_engine.net.timings import NameserverTiming

DOMAIN = "example.xa"
A, B = "192.0.2.1", "192.0.2.2"
S1: dict[str, Any] = {"ns": "ns1.example.xa", "address": A}
S2: dict[str, Any] = {"ns": "ns2.example.xa", "address": B}


def made(tag: str, level: Level = Level.ERROR, **args: Any) -> Entry:
    return Entry(0.0, "MODULE", "", tag, level, args)


def info(tag: str, **args: Any) -> Entry:
    return made(tag, Level.INFO, **args)


SERVED = info("B02_AUTH_RESPONSE_SOA", domain=DOMAIN, servers=[S1, S2])
ONE_SERVES = info("B02_AUTH_RESPONSE_SOA", domain=DOMAIN, servers=[S1])
KNOWN = info("A01_GLOBALLY_REACHABLE_ADDR", servers=[S1, S2])
SIGNED = info("DS07_SIGNED")
SIGNED_ON = info("DS07_SIGNED_ON_SERVER", servers=[S1, S2])
NO_DS = made("DS07_NO_DS_FOR_SIGNED_ZONE", Level.WARNING)
SILENT_2 = made("CN01_NO_RESPONSE_UDP", Level.WARNING, **S2)
CUT = made("RUN_DEADLINE_REACHED", Level.WARNING)
STOPPED = made("CANNOT_CONTINUE", Level.CRITICAL)

SHOWN: list[tuple[str, Harm, list[Entry]]] = [
    ("run_cut_off", Harm.ADVICE, [CUT]),
    ("no_network", Harm.NOT_TESTABLE, [made("NO_NETWORK", Level.CRITICAL), STOPPED]),
    ("name_does_not_exist", Harm.DOES_NOT_EXIST, [made("B01_NO_CHILD"), made("NAME_DOES_NOT_EXIST", Level.NOTICE)]),
    ("name_does_not_exist", Harm.DOES_NOT_EXIST, [made("B01_NO_CHILD"), made("NAME_NOT_A_ZONE", Level.NOTICE)]),
    ("parent_broken", Harm.SOME, [made("B01_INCONSISTENT_DELEGATION")]),
    ("parent_broken", Harm.NOT_TESTABLE, [made("B01_CHILD_UNDETERMINED"), STOPPED]),
    ("parent_broken", Harm.VALIDATING_RESOLVERS, [made("DS21_DS_RRSIG_EXPIRED", Level.WARNING)]),
    ("parent_broken", Harm.STANDARD, [made("DS21_PARENT_DNSKEY_MISSING", Level.WARNING)]),
    ("no_server_answers", Harm.EVERYONE, [made("B02_NO_WORKING_NS", Level.CRITICAL), made("B02_NS_NOT_AUTH", **S1)]),
    ("no_server_answers", Harm.SOME, [CUT, made("B02_NO_WORKING_NS"), made("B02_NS_NO_RESPONSE", **S1)]),
    ("server_silent", Harm.SOME, [ONE_SERVES, SILENT_2]),
    ("server_silent", Harm.RISK, [ONE_SERVES, SILENT_2, CUT]),
    ("server_silent", Harm.EVERYONE, [SILENT_2]),
    ("server_lame", Harm.SOME, [SERVED, made("IS_NOT_AUTHORITATIVE", proto="UDP", **S2)]),
    ("server_lame", Harm.STANDARD, [SERVED, made("UPWARD_REFERRAL", servers=[S2])]),
    ("delegation_differs", Harm.RISK, [made("EXTRA_NAME_CHILD", Level.NOTICE, extra="ns3.example.xa")]),
    ("delegation_differs", Harm.SOME, [made("TOTAL_NAME_MISMATCH"), made("SAME_IP_ADDRESS", address=A)]),
    ("glue_wrong", Harm.SOME, [made("IN_DOMAIN_GLUE_MISSING", ns="ns2.example.xa"), made("NOT_ENOUGH_IPV4_NS_DEL")]),
    ("glue_wrong", Harm.STANDARD, [made("EXTRA_ADDRESS_CHILD", Level.NOTICE, addresses=[A])]),
    ("glue_wrong", Harm.STANDARD, [made("CS05_EXTRA_ADDR_CHILD", Level.NOTICE, servers=[S1])]),
    ("glue_wrong", Harm.STANDARD, [made("CS05_ID_ADDR_MISSING", Level.NOTICE, ns="ns2.example.xa")]),
    ("glue_wrong", Harm.SOME, [made("CS05_OOD_ADDR_MISMATCH", Level.WARNING, ns="ns2.example.com")]),
    ("glue_wrong", Harm.SOME, [made("CS05_ID_ADDR_MISMATCH", ns="ns2.example.xa")]),
    ("glue_wrong", Harm.SOME, [made("CS05_MISSING_GLUE_FOR_NS", Level.WARNING, ns="ns2.example.xa", servers=[])]),
    ("server_lame", Harm.SOME, [SERVED, made("CS05_CHILD_ZONE_LAME", Level.CRITICAL, servers=[S1, S2])]),
    ("mail_undeclared", Harm.ADVICE, [made("Z09_MISSING_MAIL_EXCHANGE", Level.NOTICE)]),
    ("no_server_answers", Harm.EVERYONE, [made("CS05_NO_NS_ADDR_CHILD", Level.CRITICAL)]),
    ("server_name_broken", Harm.SOME, [made("CAN_NOT_BE_RESOLVED", servers=[{"ns": "no.example.com"}])]),
    ("server_name_broken", Harm.STANDARD, [made("NAMESERVER_NON_ALLOWED_CHARS", domain="ns_1.example.xa")]),
    ("addresses_not_public", Harm.SOME, [SERVED, made("A01_LOCAL_USE_ADDR", servers=[{"address": "10.0.0.1"}])]),
    ("addresses_not_public", Harm.ADVICE, [SERVED, made("A01_LOCAL_USE_ADDR", servers=[S1])]),
    ("ds_without_key", Harm.VALIDATING_RESOLVERS, [SERVED, made("DS02_NO_DNSKEY_FOR_DS", keytag=1, addresses=[A, B])]),
    ("ds_without_signed_zone", Harm.VALIDATING_RESOLVERS, [SERVED, made("DS11_DS_BUT_UNSIGNED_ZONE")]),
    ("signatures_expired", Harm.VALIDATING_RESOLVERS, [made("RRSIG_EXPIRED", keytag=1, types="SOA", expiration=9)]),
    ("signatures_expired", Harm.SOME, [SERVED, made("DS09_SOA_RRSIG_EXPIRED", keytag=1, addresses=[A])]),
    ("signatures_not_yet_valid", Harm.VALIDATING_RESOLVERS, [made("DS08_DNSKEY_RRSIG_NOT_YET_VALID", keytag=1)]),
    ("signatures_end_soon", Harm.RISK, [made("REMAINING_SHORT", Level.WARNING, keytag=1, types="SOA", duration=60)]),
    ("signatures_wrong", Harm.VALIDATING_RESOLVERS, [SERVED, made("DS09_MISSING_RRSIG_IN_RESPONSE", addresses=[A, B])]),
    ("signatures_wrong", Harm.VALIDATING_RESOLVERS, [SIGNED, made("DS11_DS_BUT_UNSIGNED_ZONE")]),
    (
        "signed_on_some_servers",
        Harm.SOME,
        [SERVED, made("DS07_NOT_SIGNED_ON_SERVER", servers=[S2]), made("DS07_INCONSISTENT_SIGNED")],
    ),
    (
        "signed_on_some_servers",
        Harm.RISK,
        [SERVED, info("DS19_KEY_OK", keytag=1, servers=[S1, S2]), info("DS19_KEY_OK", keytag=2, servers=[S2])],
    ),
    ("algorithm_incomplete", Harm.RISK, [made("DS13_ALGO_NOT_SIGNED_SOA", Level.WARNING, algo_mnemo="ED25519")]),
    ("denial_broken", Harm.VALIDATING_RESOLVERS, [SERVED, made("DS10_NSEC_MISSING_SIGNATURE", servers=[S1, S2])]),
    ("denial_broken", Harm.SOME, [SERVED, made("DS10_NSEC_MISSING_SIGNATURE", servers=[S1])]),
    ("denial_broken", Harm.RISK, [SERVED, made("DS03_INCONSISTENT_ITERATION")]),
    ("weak_cryptography", Harm.RISK, [made("DNSKEY_SMALLER_THAN_REC", Level.WARNING, keytag=1)]),
    ("weak_cryptography", Harm.RISK, [made("DS03_ILLEGAL_ITERATION_VALUE", Level.WARNING, servers=[S1])]),
    ("weak_cryptography", Harm.STANDARD, [made("DS01_DS_ALGO_2_MISSING", Level.NOTICE, keytag=1)]),
    ("cds_wrong", Harm.RISK, [made("DS16_CDS_UNSIGNED", addresses=[A])]),
    ("cds_wrong", Harm.ADVICE, [made("DS15_HAS_CDS_NO_CDNSKEY", Level.NOTICE, addresses=[A])]),
    ("key_rollover_unfinished", Harm.ADVICE, [made("DS18_CDS_ROLLOVER_SIGNALED", Level.NOTICE)]),
    ("key_rollover_unfinished", Harm.RISK, [made("DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY", Level.NOTICE)]),
    ("servers_disagree", Harm.RISK, [SERVED, made("MULTIPLE_SOA_SERIALS", Level.WARNING, count=2)]),
    ("servers_disagree", Harm.SOME, [SERVED, made("Z09_INCONSISTENT_MX", Level.WARNING)]),
    ("no_tcp", Harm.SOME, [SERVED, made("CN02_NO_RESPONSE_TCP", Level.WARNING, **S2)]),
    ("large_answers_lost", Harm.SOME, [made("CN05_UDP_LOSS_SIZE_DEPENDENT", Level.WARNING, servers=[S1])]),
    ("large_answers_lost", Harm.STANDARD, [made("REFERRAL_SIZE_LARGE", Level.NOTICE, size=600)]),
    ("large_answers_lost", Harm.ADVICE, [made("CN05_ANSWER_NEEDS_TCP", Level.NOTICE, servers=[S1])]),
    ("edns_broken", Harm.SOME, [SERVED, made("BREAKS_ON_EDNS", domain=DOMAIN, **S2)]),
    ("edns_broken", Harm.SOME, [SERVED, SIGNED_ON, made("NO_EDNS_SUPPORT", Level.WARNING, **S2)]),
    ("edns_broken", Harm.STANDARD, [SERVED, made("NO_EDNS_SUPPORT", Level.WARNING, **S2)]),
    ("answers_broken", Harm.SOME, [SERVED, made("AAAA_UNEXPECTED_RCODE", rcode="SERVFAIL", **S2)]),
    ("optional_features", Harm.ADVICE, [SERVED, made("N17_COOKIE_CLIENT_ONLY", Level.WARNING, servers=[S2])]),
    ("answers_broken", Harm.STANDARD, [SERVED, made("N17_NO_RESPONSE", Level.WARNING, servers=[S2])]),
    (
        "delegation_differs",
        Harm.RISK,
        [
            made("EXTRA_NAME_CHILD", Level.NOTICE, extra="ns2.example.xa"),
            info("ENOUGH_NS_CHILD", count=2),
            made("NOT_ENOUGH_NS_DEL", count=1),
            made("NOT_ENOUGH_IPV4_NS_DEL", count=1),
        ],
    ),
    ("answers_broken", Harm.STANDARD, [SERVED, made("QNAME_CASE_INSENSITIVE", Level.WARNING, servers=[S2])]),
    ("open_recursor", Harm.RISK, [SERVED, made("IS_A_RECURSOR", servers=[S2])]),
    ("zone_transfer_open", Harm.ADVICE, [SERVED, made("AXFR_AVAILABLE", Level.NOTICE, servers=[S1, S2])]),
    (
        "single_point_of_failure",
        Harm.RISK,
        [made("NOT_ENOUGH_NS_DEL", count=1), made("NOT_ENOUGH_IPV6_NS_DEL", count=1)],
    ),
    ("one_operator", Harm.ADVICE, [made("IPV4_ONE_ASN", Level.WARNING, asn=1)]),
    ("no_ipv4", Harm.SOME, [made("NO_IPV4_NS_DEL", Level.WARNING, count=0)]),
    ("soa_values", Harm.STANDARD, [made("REFRESH_MINIMUM_VALUE_LOWER", Level.NOTICE, refresh=1)]),
    ("soa_values", Harm.EVERYONE, [made("SOA_AND_CNAME", **S1)]),
    ("mail_undeclared", Harm.ADVICE, [made("Z11_NO_SPF_FOUND", Level.NOTICE, domain=DOMAIN)]),
    ("mail_broken", Harm.STANDARD, [made("Z11_NO_SPF_FOUND", Level.NOTICE), made("Z09_NO_SERVERS_MX_RESPONSE")]),
    ("mail_broken", Harm.SOME, [made("MX_RECORD_IS_CNAME", mx="mail.example.xa")]),
    ("caa_wrong", Harm.STANDARD, [made("Z15_INVALID_ISSUE_VALUE", Level.WARNING, caa_value="?")]),
    ("signatures_last_long", Harm.STANDARD, [made("DURATION_LONG", Level.WARNING, duration=10**8)]),
    ("nsec3_parameters", Harm.ADVICE, [made("DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD", Level.NOTICE, servers=[S1])]),
    ("signed_without_ds", Harm.ADVICE, [NO_DS, made("DS01_PARENT_ZONE_NO_DS", Level.NOTICE)]),
    ("no_dnssec", Harm.ADVICE, [made("DS07_NOT_SIGNED", Level.WARNING)]),
    ("name_unusual", Harm.STANDARD, [made("NON_ALLOWED_CHARS", domain="a_b.xa")]),
    ("csync_zonemd_wrong", Harm.STANDARD, [made("Z12_SERIAL_MISMATCH", Level.WARNING, **S1)]),
    ("reverse_missing", Harm.ADVICE, [made("NAMESERVER_IP_WITHOUT_REVERSE", Level.NOTICE, **S1)]),
    ("network_unknown", Harm.ADVICE, [made("EMPTY_ASN_SET", Level.NOTICE, address=A)]),
    ("algorithm_unknown", Harm.ADVICE, [made("DS08_ALGO_NOT_SUPPORTED_BY_ZM", Level.NOTICE, keytag=1, addresses=[A])]),
    ("version_revealed", Harm.ADVICE, [made("N15_SOFTWARE_VERSION", Level.NOTICE, string="x", servers=[S1])]),
    ("no_ipv6", Harm.ADVICE, [made("NO_IPV6_NS_CHILD", Level.NOTICE, count=0)]),
]


NEARLY: list[tuple[str, str | Harm | None, list[Entry]]] = [
    # (the cause that must not be found, the cause or harm found instead, entries)
    (
        "no_server_answers",
        "server_name_broken",
        [made("B02_NO_WORKING_NS"), made("B02_NS_NO_IP_ADDR", ns="no.example.xa")],
    ),
    (
        "no_server_answers",
        "addresses_not_public",
        [
            made("B02_NO_WORKING_NS"),
            made("B02_NS_NO_RESPONSE", ns="ns1.example.xa", address="10.0.0.1"),
            info("NON_GLOBAL_QUERY_BLOCKED", ns="ns1.example.xa", address="10.0.0.1"),
            made("A01_LOCAL_USE_ADDR", servers=[{"ns": "ns1.example.xa", "address": "10.0.0.1"}]),
            made("A01_NO_GLOBALLY_REACHABLE_ADDR"),
        ],
    ),
    (
        "server_silent",
        "answers_broken",
        [ONE_SERVES, KNOWN, SILENT_2, made("DIFFERENT_SOURCE_IP", source="192.0.2.9", **S2)],
    ),
    (
        "glue_wrong",
        "server_name_broken",
        [
            made("NS_IS_CNAME", ns="ns2.example.xa"),
            made("IN_DOMAIN_ADDR_MISMATCH", ns="ns2.example.xa"),
            made("MISSING_ADDRESS_CHILD", Level.NOTICE, ns="ns2.example.xa"),
        ],
    ),
    (
        "glue_wrong",
        "server_name_broken",
        [
            made("NS_IS_CNAME", ns="ns2.example.xa"),
            made("CS05_ID_ADDR_MISMATCH", ns="ns2.example.xa"),
            made("CS05_EXTRA_ADDR_CHILD", Level.NOTICE, servers=[S2]),
        ],
    ),
    (
        "server_name_broken",
        "delegation_differs",
        [
            made("MULTIPLE_NS_SET", Level.NOTICE),
            made("EXTRA_NAME_CHILD", Level.NOTICE, extra="no.example.xa"),
            made("CAN_NOT_BE_RESOLVED", servers=[{"ns": "no.example.xa"}]),
            made("UNEXPECTED_RCODE", Level.WARNING, query_name="no.example.xa", rcode="NXDOMAIN", **S1),
        ],
    ),
    (
        "ds_without_key",
        Harm.RISK,
        [
            SERVED,
            made("DS02_NO_DNSKEY_FOR_DS", keytag=1, addresses=[A, B]),
            info("DS02_MATCH_DS_DNSKEY", addresses=[A, B]),
        ],
    ),
    ("ds_without_signed_zone", "no_dnssec", [made("DS07_NOT_SIGNED", Level.WARNING)]),
    (
        "signatures_expired",
        Harm.RISK,
        [
            SERVED,
            made("DS09_SOA_RRSIG_EXPIRED", keytag=1, addresses=[A, B]),
            info("DS09_SOA_RRSIG_VALID", addresses=[A, B]),
        ],
    ),
    (
        "signed_on_some_servers",
        Harm.RISK,
        [SERVED, NO_DS, made("DS07_NOT_SIGNED_ON_SERVER", servers=[S2]), made("DS07_INCONSISTENT_SIGNED")],
    ),
    ("signatures_expired", Harm.STANDARD, [SERVED, NO_DS, made("RRSIG_EXPIRED", keytag=1, types="SOA", expiration=9)]),
    ("caa_wrong", None, [SERVED, made("Z15_NO_CAA", Level.NOTICE, servers=[S1])]),
    (
        "signed_on_some_servers",
        "edns_broken",
        [
            SERVED,
            SIGNED_ON,
            made("DS07_NOT_SIGNED_ON_SERVER", servers=[S2]),
            made("DS07_INCONSISTENT_SIGNED"),
            made("EDNS_RESPONSE_WITHOUT_EDNS", domain=DOMAIN, **S2),
        ],
    ),
    (
        "signed_on_some_servers",
        None,
        [SERVED, info("DS19_KEY_OK", keytag=1, servers=[S1, S2]), info("DS19_KEY_OK", keytag=2, servers=[S1, S2])],
    ),
    (
        "denial_broken",
        "edns_broken",
        [
            SERVED,
            made("DS10_EXPECTED_NSEC_NSEC3_MISSING", servers=[S2]),
            made("BREAKS_ON_EDNS", domain=DOMAIN, **S2),
        ],
    ),
    ("no_tcp", "server_silent", [ONE_SERVES, SILENT_2, made("CN02_NO_RESPONSE_TCP", Level.WARNING, **S2)]),
    (
        "soa_values",
        "mail_broken",
        [
            info("MX_SYNTAX_OK", domain="mail.example.xa"),
            made("RNAME_MAIL_DOMAIN_INVALID", Level.NOTICE, domain="mail.example.xa"),
        ],
    ),
    (
        "nsec3_parameters",
        "weak_cryptography",
        [
            made("DS03_ILLEGAL_ITERATION_VALUE", Level.WARNING, servers=[S1]),
            made("DS03_ILLEGAL_SALT_LENGTH", Level.WARNING, servers=[S1]),
        ],
    ),
    ("no_ipv6", "single_point_of_failure", [made("NOT_ENOUGH_NS_DEL"), made("NOT_ENOUGH_IPV6_NS_DEL")]),
]

SLOW = [
    NameserverTiming.of("ns1.example.xa", A, [10.0] * 9, timeouts=0, refusals=0, lost=0),
    NameserverTiming.of("ns2.example.xa", B, [1200.0] * 9, timeouts=0, refusals=0, lost=0),
]
LOSSY = [
    NameserverTiming.of("ns1.example.xa", A, [10.0] * 9, timeouts=0, refusals=0, lost=0),
    NameserverTiming.of("ns2.example.xa", B, [10.0] * 9, timeouts=9, refusals=0, lost=0),
]


@pytest.mark.parametrize(("cause", "harm", "entries"), SHOWN, ids=lambda value: value if isinstance(value, str) else "")
def test_entries_show_the_cause(cause: str, harm: Harm, entries: list[Entry]) -> None:
    found = {each.id: each for each in causes_of(DOMAIN, entries)}
    assert found.keys() == {cause, *(("run_cut_off",) if CUT in entries else ())}
    assert found[cause].harm is harm
    explained = {entries[place].tag for place in found[cause].found.explains}
    assert {
        entry.tag for entry in entries if (entry.level >= Level.NOTICE and entry is not CUT) or cause == "run_cut_off"
    } == explained or not any(entry.level >= Level.NOTICE for entry in entries)


@pytest.mark.parametrize(("cause", "instead", "entries"), NEARLY)
def test_similar_entries_do_not_show_it(cause: str, instead: str | Harm | None, entries: list[Entry]) -> None:
    found = causes_of(DOMAIN, entries)
    if isinstance(instead, Harm):
        assert next(each.harm for each in found if each.id == cause) is instead
    else:
        assert [each.id for each in found if each.id != "signed_without_ds"] == ([instead] if instead else [])


def test_slow_name_server_is_found_by_its_times_alone() -> None:
    assert [(each.id, each.servers) for each in causes_of(DOMAIN, [SERVED], SLOW)] == [
        ("server_slow", (("ns2.example.xa", B),))
    ]
    assert causes_of(DOMAIN, [SERVED], SLOW[:1]) == []


def lossy(address: str, lost: int) -> NameserverTiming:
    return NameserverTiming.of("ns.example.xa", address, [10.0] * 10, timeouts=0, refusals=0, lost=lost)


def test_lossy_name_server_is_found_unless_the_path_of_the_tester_loses() -> None:
    assert [each.id for each in causes_of(DOMAIN, [SERVED], LOSSY)] == ["server_loses_packets"]
    all_lose = [lossy(A, 9), lossy(B, 9)]
    assert causes_of(DOMAIN, [SERVED], all_lose) == []
    assert causes_of(DOMAIN, [SERVED], [*all_lose, lossy("203.0.113.53", 9)]) == []
    (found,) = causes_of(DOMAIN, [SERVED], [*all_lose, lossy("203.0.113.53", 0)])
    assert (found.id, found.harm) == ("server_loses_packets", Harm.SOME)


@pytest.mark.parametrize(("lost", "harm"), [(10, Harm.SOME), (5, Harm.RISK), (2, None)])
def test_packets_that_a_repeat_replaced_count_as_lost(lost: int, harm: Harm | None) -> None:
    found = causes_of(DOMAIN, [SERVED], [lossy(A, 0), lossy(B, lost)])
    assert [(each.harm, each.servers[0][1]) for each in found] == ([(harm, B)] if harm else [])


def test_no_answer_validates_if_the_other_servers_are_unsigned() -> None:
    unsigned = made("DS07_NOT_SIGNED_ON_SERVER", Level.WARNING, servers=[S2])
    no_match = made("DS02_NO_MATCH_DS_DNSKEY", keytag=1, addresses=[A])
    for entries, harm in (
        ([SERVED, no_match], Harm.SOME),
        ([SERVED, no_match, unsigned], Harm.VALIDATING_RESOLVERS),
    ):
        assert causes_of(DOMAIN, entries)[0].harm is harm


@pytest.mark.parametrize(
    ("cause", "fault"),
    [
        ("edns_broken", [made("BREAKS_ON_EDNS", domain=DOMAIN, **S1), made("BREAKS_ON_EDNS", domain=DOMAIN, **S2)]),
        ("answers_broken", []),
    ],
)
def test_a_zone_with_ds_whose_keys_no_server_gives_does_not_validate(cause: str, fault: list[Entry]) -> None:
    both = made("DS07_NO_RESPONSE_DNSKEY", Level.WARNING, addresses=[A, B])
    undetermined = made("DS11_UNDETERMINED_SIGNED_ZONE")
    follows = [made("DS07_NOT_SIGNED", Level.WARNING), made("DS16_CDS_WITHOUT_DNSKEY", addresses=[B])]
    (found,) = causes_of(DOMAIN, [SERVED, *fault, both, undetermined, *follows])
    assert (found.id, found.harm) == (cause, Harm.VALIDATING_RESOLVERS)
    one = made("DS07_NO_RESPONSE_DNSKEY", Level.WARNING, addresses=[B])
    (found, *_) = causes_of(DOMAIN, [SERVED, *fault, one, follows[1]])
    assert (found.id, found.harm) == (cause, Harm.SOME)


def test_expired_signatures_of_cds_records_are_no_separate_cause() -> None:
    expired = made("DS09_SOA_RRSIG_EXPIRED", keytag=1, addresses=[A])
    of_cds = [made("DS16_CDS_INVALID_RRSIG", keytag=1, addresses=[A]), made("DS17_CDNSKEY_INVALID_RRSIG", keytag=1)]
    assert [cause.id for cause in causes_of("a.xa", [SERVED, expired, *of_cds])] == ["signatures_expired"]
    assert [cause.id for cause in causes_of("a.xa", [SERVED, *of_cds])] == ["cds_wrong"]


def test_each_rule_has_entries_that_show_it() -> None:
    assert RULE_BY_ID.keys() == {cause for cause, _, _ in SHOWN} | {"server_slow", "server_loses_packets"}


def test_arguments_of_another_type_end_no_other_rule() -> None:
    odd = [
        Entry(0.0, "Connectivity", "connectivity01", tag, Level.ERROR, {"servers": 1.5, "ns": [2], "address": {"a": 1}})
        for tag in ("CN01_NO_RESPONSE_UDP", "B02_NS_NO_RESPONSE", "DS02_NO_DNSKEY_FOR_DS", "IN_DOMAIN_GLUE_MISSING")
    ]
    assert isinstance(causes_of("a.example", odd), list)
