"""The document that defines the subject of a finding: a section of an RFC, or the specification of the test case."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

_ZONEMASTER: Final = "https://doc.zonemaster.net/latest/specifications/tests"

CASES: Final = {
    "1034 4.1": "delegation01 delegation02",
    "1034 4.2": "basic01",
    "1034 4.2.2": "basic02 consistency04 consistency05 delegation07",
    "6890": "address01",
    "1912 2.1": "address02 address03",
    "7766 5": "connectivity02",
    "1123 6.1.3.2": "connectivity01",
    "2182 3.1": "connectivity03 connectivity04",
    "9715 3.1": "connectivity05",
    "1034 4.3.5": "consistency01",
    "1912 2.2": "syntax06 zone02 zone03 zone04 zone05",
    "1035 3.3.13": "consistency02 consistency03 consistency06 zone01 zone07",
    "4035 2.4": "dnssec07",
    "4035 5.2": "dnssec02 dnssec11",
    "9904": "dnssec01 dnssec05",
    "9276 3.1": "dnssec03",
    "4034 3.1.5": "dnssec04",
    "4035 3.1.1": "dnssec06",
    "4035 5.3": "dnssec08 dnssec09 dnssec21",
    "4035 3.1.3": "dnssec10 dnssec23",
    "4035 2.2": "dnssec13",
    "6781 3.4.2": "dnssec14",
    "7344 4": "dnssec15",
    "7344 4.1": "dnssec16 dnssec17 dnssec18",
    "4034 4.1.2": "dnssec20",
    "4035 5": "dnssec22",
    "9615 4": "dnssec24",
    "9859 4.1": "delegation08",
    "1035 4.2.1": "delegation03",
    "2181 10.3": "delegation05 zone08",
    "2181 6.1": "delegation04 delegation06",
    "5358 4": "nameserver01",
    "8906 3.2": "nameserver02",
    "5936 5": "nameserver03",
    "2181 4.1": "nameserver04",
    "4074 4": "nameserver05",
    "1035 3.3.11": "nameserver06",
    "4343 3": "nameserver09",
    "4343 4.1": "nameserver08",
    "6891 6.1.3": "nameserver10",
    "6891 6.1.2": "nameserver11",
    "6891 6.1.4": "nameserver12",
    "6891 7": "nameserver13",
    "4892": "nameserver15",
    "5001": "nameserver16",
    "7873 5.2": "nameserver17",
    "8914 4": "nameserver18",
    "1123 2.1": "syntax01 syntax02 syntax04 syntax07",
    "5890 2.3.1": "syntax03",
    "1035 8": "syntax05",
    "5321 2.3.5": "syntax08",
    "2308 5": "zone06",
    "5321 5.1": "zone09",
    "1035 5.2": "zone10",
    "7208 4.5": "zone11",
    "7477 2.1": "zone12",
    "7208 4.6.4": "zone13",
    "8976 2.2": "zone14",
    "8659 4": "zone15",
}
"""Test cases by RFC and section."""

TAGS: Final = {
    "1034 3.6.2": "B01_CHILD_IS_ALIAS B01_INCONSISTENT_ALIAS CNAME_CHAIN_TOO_LONG CNAME_TARGET_UNRESOLVED",
    "2181 10.1": "CNAME_TOO_MANY_RECORDS SOA_AND_CNAME",
    "8020 2": "B01_NO_CHILD B01_PARENT_NXDOMAIN_HIDES_DELEGATION NAME_DOES_NOT_EXIST TLD_NOT_DELEGATED",
    "9499 7": "NAME_NOT_A_ZONE",
    "1035 2.3.4": "DOMAIN_NAME_LABEL_TOO_LONG DOMAIN_NAME_TOO_LONG DOMAIN_NAME_ZERO_LENGTH_LABEL",
    "8906 3.1.1": (
        "B02_NS_NO_RESPONSE CN01_NO_RESPONSE_UDP CN01_NO_RESPONSE_SOA_QUERY_UDP CN01_NO_RESPONSE_NS_QUERY_UDP"
    ),
    "10001 4.1": "NO_IPV4_NS_CHILD NO_IPV4_NS_DEL NO_IPV6_NS_CHILD NO_IPV6_NS_DEL",
    "9471 3": "IN_DOMAIN_GLUE_MISSING",
    "2181 5.2": "INCONSISTENT_NS_TTL",
    "6840 4.4": "DS07_PARENT_PROVES_NO_DELEGATION",
    "4034 5.2": "DS02_NO_MATCH_DS_DNSKEY DS02_NO_DNSKEY_FOR_DS DS02_DS_ALGO_DNSKEY_MISMATCH",
    "4034 2.1.1": (
        "DS02_DNSKEY_NOT_SEP DS02_DNSKEY_NOT_FOR_ZONE_SIGNING DS16_CDS_MATCHES_NON_SEP_DNSKEY"
        " DS16_CDS_MATCHES_NON_ZONE_DNSKEY DS17_CDNSKEY_IS_NON_SEP DS17_CDNSKEY_IS_NON_ZONE"
    ),
    "4035 5.3": "DS02_RRSIG_NOT_VALID_BY_DNSKEY DS02_NO_MATCHING_DNSKEY_RRSIG DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS",
    "3110 2": (
        "DS02_RSA_EXPONENT_UNSUPPORTED DS08_RSA_EXPONENT_UNSUPPORTED DS09_RSA_EXPONENT_UNSUPPORTED"
        " DNSKEY_RSA_EXPONENT_LARGE DS19_BADKEY_RSA_INVALID"
    ),
    "4035 3.1": "DS03_NO_DNSSEC_SUPPORT DS03_SERVER_NO_DNSSEC_SUPPORT",
    "5155 3.1.1": "DS03_ILLEGAL_HASH_ALGO DS03_INCONSISTENT_HASH_ALGO DS03_LEGAL_HASH_ALGO",
    "5155 3.1.2": "DS03_INCONSISTENT_NSEC3_FLAGS DS03_UNASSIGNED_FLAG_USED",
    "5155 6": "DS03_NSEC3_OPT_OUT_DISABLED DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD DS03_NSEC3_OPT_OUT_ENABLED_TLD",
    "6781 4.4.2": "REMAINING_SHORT REMAINING_LONG DURATION_LONG DURATION_OK",
    "4034 3.1.5": (
        "DS08_DNSKEY_RRSIG_EXPIRED DS08_DNSKEY_RRSIG_NOT_YET_VALID DS09_SOA_RRSIG_EXPIRED DS09_SOA_RRSIG_NOT_YET_VALID"
        " DS10_NSEC_RRSIG_EXPIRED DS10_NSEC_RRSIG_NOT_YET_VALID DS10_NSEC3_RRSIG_EXPIRED DS10_NSEC3_RRSIG_NOT_YET_VALID"
        " DS21_DS_RRSIG_EXPIRED DS21_DS_RRSIG_NOT_YET_VALID DS22_NS_ADDRESS_RRSIG_EXPIRED"
    ),
    "4035 2.2": (
        "DS08_MISSING_RRSIG_IN_RESPONSE DS09_MISSING_RRSIG_IN_RESPONSE DS10_NSEC_MISSING_SIGNATURE"
        " DS10_NSEC3_MISSING_SIGNATURE DS22_NS_ADDRESS_UNSIGNED"
    ),
    "5155 7.1": "DS23_NSEC3_CHAIN_NOT_PUBLISHED DS23_NSEC3_DUPLICATE_NEXT DS23_NSEC3_MIXED_PARAMETERS",
    "5155 7.3": "DS10_ERR_MULT_NSEC3PARAM DS23_MULTIPLE_NSEC3PARAM",
    "5155 3.2.1": "DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE DS10_NSEC3_ERR_TYPE_LIST",
    "5155 4": "DS10_NSEC3PARAM_GIVES_ERR_ANSWER DS10_NSEC3PARAM_MISMATCHES_APEX DS10_NSEC3PARAM_QUERY_RESPONSE_ERR",
    "8078 4": (
        "DS16_DELETE_CDS DS16_MIXED_DELETE_CDS DS17_DELETE_CDNSKEY DS17_MIXED_DELETE_CDNSKEY DS24_DELETE_REQUESTED"
    ),
    "6891 6.1.1": "EDNS_RESPONSE_WITHOUT_EDNS N11_NO_EDNS",
    "6891 7": "NO_EDNS_SUPPORT",
    "6891 6.1.3": "EDNS_VERSION_ERROR",
    "3696 2": "NAMESERVER_NUMERIC_TLD MNAME_NUMERIC_TLD MX_NUMERIC_TLD",
    "5890 2.3.1": ("NAMESERVER_DISCOURAGED_DOUBLE_DASH MNAME_DISCOURAGED_DOUBLE_DASH MX_DISCOURAGED_DOUBLE_DASH"),
    "5322 3.4.1": "RNAME_RFC822_INVALID RNAME_RFC822_VALID",
    "5321 5.1": "RNAME_MAIL_DOMAIN_INVALID RNAME_MAIL_DOMAIN_LOCALHOST RNAME_MAIL_ILLEGAL_CNAME",
    "1912 2.4": "MNAME_IS_CNAME",
    "7505 3": "Z09_NULL_MX_NON_ZERO_PREF Z09_NULL_MX_WITH_OTHER_MX Z09_VALID_NULL_MX",
    "6672 2.3": "APEX_DNAME",
    "1035 5.2": "MULTIPLE_SOA",
    "2181 6.1": "NO_SOA_IN_RESPONSE WRONG_SOA",
    "7208 12": "Z11_SPF_SYNTAX_ERROR Z11_SPF_SYNTAX_OK",
    "7208 6": "Z11_SPF_UNKNOWN_MODIFIER",
    "7208 5.5": "Z13_SPF_PTR_DEPRECATED",
    "7208 7": "Z13_SPF_MACRO_TARGET",
    "8659 4.1": "Z15_INVALID_PROPERTY_TAG Z15_RESERVED_FLAGS Z15_UNKNOWN_PROPERTY Z15_UNKNOWN_PROPERTY_CRITICAL",
    "8659 4.2": "Z15_INVALID_ISSUE_VALUE Z15_ISSUANCE_FORBIDDEN Z15_ISSUE_CONTRADICTION",
    "8659 4.4": "Z15_INVALID_IODEF_VALUE",
}
"""Tags that another section defines more closely than that of their test case."""


class Reference(NamedTuple):
    """A document, or a section of it."""

    url: str
    title: str  # the same in all languages


_OTHER_DOCUMENTS: Final = {
    "basic03": Reference(f"{_ZONEMASTER}/Basic-TP/basic03.html", "Zonemaster BASIC03"),
    "nameserver07": Reference(f"{_ZONEMASTER}/Nameserver-TP/nameserver07.html", "Zonemaster NAMESERVER07"),
    "dnssec19": Reference("https://badkeys.info/", "badkeys"),
}
"""Documents of test cases without an RFC."""


def reference(tag: str, testcase: str) -> Reference | None:
    """Return the document that defines the subject of a finding; None for entries about the run itself."""
    return _by_name().get(tag) or _by_name().get(testcase)


@cache
def _by_name() -> dict[str, Reference]:
    return {name: found for table in (CASES, TAGS) for name, found in _rows(table)} | _OTHER_DOCUMENTS


def _rows(table: dict[str, str]) -> Iterator[tuple[str, Reference]]:
    for place, names in table.items():
        number, _, section = place.partition(" ")
        url, title = f"https://www.rfc-editor.org/rfc/rfc{number}", f"RFC {number}"
        found = Reference(f"{url}#section-{section}", f"{title} § {section}") if section else Reference(url, title)
        yield from ((name, found) for name in names.split())
