"""Each test case on a zone whose servers are all silent, refuse or are lame, and on a zone without their addresses.

In all of them the addresses of the servers are known from the glue of the parent zone only.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gonemaster_engine.testcases.catalogue import cases
from tests.support.case_runs import A1, A2, NS1, NS2, example_world, findings
from tests.support.dnsworld import Fault, faults

FAULTS: list[Callable[[], Fault]] = [faults.silence, lambda: faults.rcode("REFUSED"), faults.refer_upward]

# Tags with silent, refusing and lame servers; one text if they are equal.
EXPECTED: dict[str, list[str]] = {
    "basic01": ["B01_CHILD_FOUND B01_PARENT_FOUND IPV4_ENABLED"],
    "basic02": [
        "B02_NO_WORKING_NS B02_NS_NO_RESPONSE IPV4_ENABLED",
        "B02_NO_WORKING_NS B02_UNEXPECTED_RCODE IPV4_ENABLED",
        "B02_NO_WORKING_NS B02_NS_NOT_AUTH IPV4_ENABLED",
    ],
    "basic03": ["A_QUERY_NO_RESPONSES IPV4_ENABLED", "IPV4_ENABLED NO_A_RECORDS", "IPV4_ENABLED NO_A_RECORDS"],
    "address01": ["A01_LOCAL_USE_ADDR A01_NO_GLOBALLY_REACHABLE_ADDR"],
    "address02": ["NAMESERVER_IP_WITHOUT_REVERSE"],
    "address03": [""],
    "connectivity01": [
        "CN01_NO_RESPONSE_UDP",
        "CN01_UNEXPECTED_RCODE_NS_QUERY_UDP CN01_UNEXPECTED_RCODE_SOA_QUERY_UDP",
        "CN01_MISSING_NS_RECORD_UDP CN01_MISSING_SOA_RECORD_UDP",
    ],
    "connectivity02": [
        "CN02_NO_RESPONSE_TCP",
        "CN02_UNEXPECTED_RCODE_NS_QUERY_TCP CN02_UNEXPECTED_RCODE_SOA_QUERY_TCP",
        "CN02_MISSING_NS_RECORD_TCP CN02_MISSING_SOA_RECORD_TCP",
    ],
    "connectivity03": ["ERROR_ASN_DATABASE"],
    "connectivity04": ["CN04_ERROR_PREFIX_DATABASE"],
    "connectivity05": ["", "", "CN05_ANSWER_FITS_UDP"],
    "consistency01": ["NO_RESPONSE", "NO_RESPONSE_SOA_QUERY", "NO_RESPONSE_SOA_QUERY"],
    "consistency02": ["NO_RESPONSE", "NO_RESPONSE_SOA_QUERY", "NO_RESPONSE_SOA_QUERY"],
    "consistency03": ["NO_RESPONSE", "NO_RESPONSE_SOA_QUERY", "NO_RESPONSE_SOA_QUERY"],
    "consistency04": ["NO_RESPONSE", "NO_RESPONSE_NS_QUERY", "NO_RESPONSE_NS_QUERY"],
    "consistency05": ["CS05_CHILD_ZONE_LAME"],
    "consistency06": ["NO_RESPONSE", "NO_RESPONSE_SOA_QUERY", "NO_RESPONSE_SOA_QUERY"],
    "dnssec07": ["DS07_NOT_SIGNED"],
    "dnssec11": ["DS11_NO_PARENT_DS"],
    "dnssec01": ["DS01_PARENT_ZONE_NO_DS"],
    "dnssec02": [""],
    "dnssec03": [""],
    "dnssec04": [""],
    "dnssec05": ["DS05_NO_RESPONSE"],
    "dnssec06": ["", "", "EXTRA_PROCESSING_BROKEN"],
    "dnssec08": [""],
    "dnssec09": [""],
    "dnssec10": [""],
    "dnssec13": [""],
    "dnssec14": ["NO_RESPONSE", "NO_RESPONSE_DNSKEY", "NO_RESPONSE_DNSKEY"],
    "dnssec15": ["DS15_NO_CDS_CDNSKEY"],
    "dnssec16": [""],
    "dnssec17": [""],
    "dnssec18": [""],
    "dnssec19": ["DS19_NO_RESPONSE"],
    "dnssec20": ["DS20_NO_DNSSEC"],
    "dnssec21": [""],
    "dnssec22": ["DS22_ZONE_NOT_SECURE"],
    "dnssec23": [""],
    "dnssec24": ["DS24_NO_CDS_CDNSKEY"],
    "delegation01": ["ENOUGH_IPV4_NS_DEL ENOUGH_NS_DEL NO_IPV6_NS_DEL"],
    "delegation02": ["DEL_DISTINCT_NS_IP DISTINCT_IP_ADDRESS"],
    "delegation03": ["REFERRAL_SIZE_OK"],
    "delegation04": ["", "IS_NOT_AUTHORITATIVE", "IS_NOT_AUTHORITATIVE"],
    "delegation05": ["NO_NS_CNAME NO_RESPONSE", "NO_NS_CNAME UNEXPECTED_RCODE", "NO_NS_CNAME"],
    "delegation06": ["", "", "SOA_NOT_EXISTS"],
    "delegation07": [""],
    "delegation08": ["DEL08_NO_DSYNC"],
    "nameserver01": ["NO_RESPONSE", "NO_RECURSOR", "NO_RECURSOR"],
    "nameserver02": ["NO_RESPONSE", "NS_ERROR", "NS_ERROR"],
    "nameserver03": ["AXFR_FAILURE"],
    "nameserver04": ["", "SAME_SOURCE_IP", "SAME_SOURCE_IP"],
    "nameserver05": ["NO_RESPONSE", "A_UNEXPECTED_RCODE", "AAAA_WELL_PROCESSED"],
    "nameserver06": ["CAN_BE_RESOLVED"],
    "nameserver07": ["", "NO_UPWARD_REFERRAL", "UPWARD_REFERRAL"],
    "nameserver08": ["", "QNAME_CASE_SENSITIVE", "QNAME_CASE_SENSITIVE"],
    "nameserver09": ["", "CASE_QUERIES_RESULTS_OK CASE_QUERY_SAME_RC", "CASE_QUERIES_RESULTS_OK CASE_QUERY_SAME_RC"],
    "nameserver10": ["", "", "N10_UNEXPECTED_RCODE"],
    "nameserver11": [""],
    "nameserver12": ["NO_RESPONSE", "NS_ERROR", "NS_ERROR"],
    "nameserver13": ["NO_RESPONSE", "NS_ERROR", "N13_EDNS_RESPONSE_OK"],
    "nameserver15": ["", "N15_NO_VERSION_REVEALED", "N15_NO_VERSION_REVEALED"],
    "nameserver16": ["N16_NO_RESPONSE", "N16_UNEXPECTED_RCODE", "N16_NO_NSID_REVEALED"],
    "nameserver17": ["N17_NO_RESPONSE", "", "N17_NO_COOKIE"],
    "nameserver18": ["N18_NO_RESPONSE", "", "N18_NO_EXTENDED_ERROR"],
    "syntax01": ["ONLY_ALLOWED_CHARS"],
    "syntax02": ["NO_ENDING_HYPHENS"],
    "syntax03": ["NO_DOUBLE_DASH"],
    "syntax04": ["NAMESERVER_SYNTAX_OK"],
    "syntax05": ["NO_RESPONSE_SOA_QUERY"],
    "syntax06": ["NO_RESPONSE", "NO_RESPONSE_SOA_QUERY", "NO_RESPONSE_SOA_QUERY"],
    "syntax07": ["NO_RESPONSE_SOA_QUERY"],
    "syntax08": ["NO_RESPONSE_MX_QUERY"],
    "zone01": [""],
    "zone02": ["NO_RESPONSE_SOA_QUERY"],
    "zone03": ["NO_RESPONSE_SOA_QUERY"],
    "zone04": ["NO_RESPONSE_SOA_QUERY"],
    "zone05": ["NO_RESPONSE_SOA_QUERY"],
    "zone06": ["NO_RESPONSE_SOA_QUERY"],
    "zone07": ["NO_RESPONSE_SOA_QUERY"],
    "zone08": ["NO_RESPONSE_MX_QUERY"],
    "zone09": [
        "Z09_NO_RESPONSE_MX_QUERY Z09_NO_SERVERS_MX_RESPONSE",
        "Z09_NO_SERVERS_MX_RESPONSE Z09_UNEXPECTED_RCODE_MX",
        "Z09_NON_AUTH_MX_RESPONSE Z09_NO_SERVERS_MX_RESPONSE",
    ],
    "zone10": ["NO_RESPONSE", "NO_SOA_IN_RESPONSE", "NO_SOA_IN_RESPONSE"],
    "zone11": ["Z11_UNABLE_TO_CHECK_FOR_SPF"],
    "zone12": [""],
    "zone13": ["Z13_UNABLE_TO_CHECK"],
    "zone14": [""],
    "zone15": ["Z15_NO_RESPONSE_CAA_QUERY", "Z15_UNEXPECTED_RCODE_CAA", ""],
}

# Tags with servers that work, whose addresses only the parent zone has.
GLUE_ONLY: dict[str, str] = {
    "basic01": "B01_CHILD_FOUND B01_PARENT_FOUND IPV4_ENABLED",
    "basic02": "B02_AUTH_RESPONSE_SOA IPV4_ENABLED",
    "basic03": "IPV4_ENABLED NO_A_RECORDS",
    "address01": "A01_LOCAL_USE_ADDR A01_NO_GLOBALLY_REACHABLE_ADDR",
    "address02": "NAMESERVER_IP_WITHOUT_REVERSE",
    "address03": "",
    "connectivity01": "CN01_OK_UDP",
    "connectivity02": "CN02_OK_TCP",
    "connectivity03": "ERROR_ASN_DATABASE",
    "connectivity04": "CN04_ERROR_PREFIX_DATABASE",
    "connectivity05": "CN05_ANSWER_FITS_UDP",
    "consistency01": "ONE_SOA_SERIAL SOA_SERIAL",
    "consistency02": "ONE_SOA_RNAME",
    "consistency03": "ONE_SOA_TIME_PARAMETER_SET",
    "consistency04": "ONE_NS_SET",
    "consistency05": "CS05_ID_ADDR_MISSING",
    "consistency06": "ONE_SOA_MNAME",
    "dnssec07": "DS07_NOT_SIGNED DS07_NOT_SIGNED_ON_SERVER",
    "dnssec11": "DS11_NO_PARENT_DS",
    "dnssec01": "DS01_PARENT_ZONE_NO_DS",
    "dnssec02": "",
    "dnssec03": "DS03_NO_DNSSEC_SUPPORT",
    "dnssec04": "",
    "dnssec05": "DS05_ZONE_NO_DNSSEC",
    "dnssec06": "EXTRA_PROCESSING_BROKEN",
    "dnssec08": "",
    "dnssec09": "",
    "dnssec10": "DS10_ZONE_NO_DNSSEC",
    "dnssec13": "",
    "dnssec14": "NO_RESPONSE_DNSKEY",
    "dnssec15": "DS15_NO_CDS_CDNSKEY",
    "dnssec16": "",
    "dnssec17": "",
    "dnssec18": "",
    "dnssec19": "DS19_NO_DNSKEY",
    "dnssec20": "DS20_NO_DNSSEC",
    "dnssec21": "",
    "dnssec22": "DS22_ZONE_NOT_SECURE",
    "dnssec23": "",
    "dnssec24": "DS24_NO_CDS_CDNSKEY",
    "delegation01": "ENOUGH_IPV4_NS_DEL ENOUGH_NS_CHILD ENOUGH_NS_DEL NO_IPV4_NS_CHILD NO_IPV6_NS_CHILD NO_IPV6_NS_DEL",
    "delegation02": "DEL_DISTINCT_NS_IP DISTINCT_IP_ADDRESS",
    "delegation03": "REFERRAL_SIZE_OK",
    "delegation04": "ARE_AUTHORITATIVE",
    "delegation05": "NO_NS_CNAME",
    "delegation06": "SOA_EXISTS",
    "delegation07": "NAMES_MATCH",
    "delegation08": "DEL08_NO_DSYNC",
    "nameserver01": "NO_RECURSOR",
    "nameserver02": "EDNS0_SUPPORT",
    "nameserver03": "AXFR_FAILURE",
    "nameserver04": "SAME_SOURCE_IP",
    "nameserver05": "AAAA_WELL_PROCESSED",
    "nameserver06": "CAN_BE_RESOLVED",
    "nameserver07": "NO_UPWARD_REFERRAL",
    "nameserver08": "QNAME_CASE_SENSITIVE",
    "nameserver09": "CASE_QUERIES_RESULTS_OK CASE_QUERY_SAME_RC",
    "nameserver10": "N10_EDNS_VERSION_OK",
    "nameserver11": "N11_UNKNOWN_OPTION_OK",
    "nameserver12": "Z_FLAGS_CLEAR",
    "nameserver13": "N13_EDNS_RESPONSE_OK",
    "nameserver15": "N15_NO_VERSION_REVEALED",
    "nameserver16": "N16_NO_NSID_REVEALED",
    "nameserver17": "N17_NO_COOKIE",
    "nameserver18": "N18_NO_EXTENDED_ERROR",
    "syntax01": "ONLY_ALLOWED_CHARS",
    "syntax02": "NO_ENDING_HYPHENS",
    "syntax03": "NO_DOUBLE_DASH",
    "syntax04": "NAMESERVER_SYNTAX_OK",
    "syntax05": "RNAME_NO_AT_SIGN",
    "syntax06": "RNAME_MAIL_DOMAIN_INVALID",
    "syntax07": "MNAME_SYNTAX_OK",
    "syntax08": "",
    "zone01": "Z01_MNAME_NOT_RESOLVE",
    "zone02": "REFRESH_MINIMUM_VALUE_OK",
    "zone03": "REFRESH_HIGHER_THAN_RETRY",
    "zone04": "RETRY_MINIMUM_VALUE_OK",
    "zone05": "EXPIRE_MINIMUM_VALUE_OK",
    "zone06": "SOA_DEFAULT_TTL_MAXIMUM_VALUE_OK",
    "zone07": "MNAME_HAS_NO_ADDRESS MNAME_IS_NOT_CNAME",
    "zone08": "",
    "zone09": "Z09_MISSING_MAIL_EXCHANGE",
    "zone10": "ONE_SOA",
    "zone11": "Z11_NO_SPF_FOUND",
    "zone12": "Z12_NO_CSYNC",
    "zone13": "Z13_NO_SPF_FOUND",
    "zone14": "Z14_NO_ZONEMD",
    "zone15": "Z15_NO_CAA",
}


def test_tables_have_every_test_case() -> None:
    assert EXPECTED.keys() == GLUE_ONLY.keys() == cases().keys()


@pytest.mark.parametrize("case_id", EXPECTED)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(0, marks=pytest.mark.thorough, id="silent"),
        pytest.param(1, id="refuse"),
        pytest.param(2, id="lame"),
    ],
)
def test_zone_without_a_working_server(case_id: str, fault: int) -> None:
    world = example_world()
    for address in (A1, A2):
        world.server(address).fault(FAULTS[fault]())
    expected = EXPECTED[case_id]
    assert sorted({tag for tag, _ in findings(world, case_id)}) == expected[fault if len(expected) > 1 else 0].split()


@pytest.mark.parametrize("case_id", GLUE_ONLY)
def test_zone_without_the_addresses_of_its_servers(case_id: str) -> None:
    world = example_world()
    for address in (A1, A2):
        for name in (NS1, NS2):
            world.server(address).fault(faults.empty_answer(), qname=name)
    assert sorted({tag for tag, _ in findings(world, case_id)}) == GLUE_ONLY[case_id].split()
