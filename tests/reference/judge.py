"""All fourteen cases on a zone: entries with tag, level and arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from tests.reference.cases.connectivity05 import connectivity05
from tests.reference.cases.dnssec19 import dnssec19
from tests.reference.cases.dnssec20 import dnssec20
from tests.reference.cases.dnssec21 import dnssec21
from tests.reference.cases.dnssec22 import dnssec22
from tests.reference.cases.dnssec23 import dnssec23
from tests.reference.cases.dnssec24 import dnssec24
from tests.reference.cases.nameserver16 import nameserver16
from tests.reference.cases.nameserver17 import nameserver17
from tests.reference.cases.nameserver18 import nameserver18
from tests.reference.cases.zone12 import zone12
from tests.reference.cases.zone13 import zone13
from tests.reference.cases.zone14 import zone14
from tests.reference.cases.zone15 import zone15
from tests.reference.subject import Findings, Subject

Entry: TypeAlias = tuple[str, str, str, dict[str, Any]]
"""Test case, message tag, level, arguments."""

CASES: Final[dict[str, Callable[[Subject], Findings]]] = {
    "connectivity05": connectivity05,
    "dnssec19": dnssec19,
    "dnssec20": dnssec20,
    "dnssec21": dnssec21,
    "dnssec22": dnssec22,
    "dnssec23": dnssec23,
    "dnssec24": dnssec24,
    "nameserver16": nameserver16,
    "nameserver17": nameserver17,
    "nameserver18": nameserver18,
    "zone12": zone12,
    "zone13": zone13,
    "zone14": zone14,
    "zone15": zone15,
}

_BY_LEVEL: Final = {
    "DEBUG2": "IPV4_DISABLED IPV6_DISABLED",
    "DEBUG": "TEST_CASE_START TEST_CASE_END DS21_NO_PARENT_ZONE",
    "INFO": """
        CN05_ANSWER_FITS_UDP CN05_LARGE_ANSWER_DELIVERED_UDP CN05_SERVER_CAPS_UDP_ANSWER DS19_KEY_OK DS19_NO_DNSKEY
        DS19_BLOCKLIST_NOT_FOUND
        DS20_BITMAP_OK DS21_DS_RRSIG_VERIFIED DS22_NO_IN_DOMAIN_NS DS22_NS_ADDRESS_INSECURE DS22_NS_ADDRESS_REFERRED
        DS22_NS_ADDRESS_VALIDATES DS22_ZONE_NOT_SECURE DS23_DENIAL_PROOF_CONSISTENT DS24_BOOTSTRAP_READY
        DS24_DELEGATION_SECURE DS24_DELETE_REQUESTED DS24_NO_CDS_CDNSKEY DS24_SIGNAL_VALIDATED N16_HAS_NSID
        N16_NO_NSID_REVEALED N17_COOKIE_ENFORCED N17_COOKIE_ROUNDTRIP_OK N17_COOKIE_SUPPORTED N17_NO_COOKIE
        N18_NO_EXTENDED_ERROR Z12_CSYNC_FOUND Z12_NO_CSYNC Z13_NO_SPF_FOUND Z13_SPF_LOOKUP_COUNT_OK Z14_NO_ZONEMD
        Z14_ZONEMD_FOUND Z15_CAA_FOUND Z15_ISSUANCE_FORBIDDEN Z15_NO_CAA Z15_NO_CAA_TLD
    """,
    "NOTICE": """
        CN05_ANSWER_NEEDS_TCP DS20_NO_DNSSEC DS21_ALGO_NOT_SUPPORTED DS23_MULTIPLE_NSEC3PARAM
        DS24_NO_SIGNAL DS24_ONLY_IN_DOMAIN_NS DS24_SIGNAL_NAME_TOO_LONG N18_EXTENDED_ERROR_REPORTED
        Z13_SPF_MACRO_TARGET Z13_SPF_RECURSIVE_ERROR Z14_UNSUPPORTED_HASH Z15_ISSUE_CONTRADICTION Z15_RESERVED_FLAGS
        Z15_UNKNOWN_PROPERTY
    """,
    "WARNING": """
        CN05_LARGE_ANSWER_NO_UDP_ANSWER CN05_UDP_LOSS_SIZE_DEPENDENT DS19_NO_RESPONSE DS20_NO_BITMAP
        DS21_DS_RRSIG_EXPIRED DS21_DS_RRSIG_NOT_VALID_BY_DNSKEY DS21_DS_RRSIG_NOT_VERIFIABLE
        DS21_DS_RRSIG_NOT_YET_VALID DS21_NO_DNSKEY_FOR_DS_RRSIG DS21_NO_DS_RRSIG DS21_PARENT_DNSKEY_MISSING
        DS24_APEX_UNAVAILABLE DS24_SIGNAL_AT_ZONE_CUT DS24_SIGNAL_CHAIN_BROKEN DS24_SIGNAL_MISMATCH
        DS24_SIGNAL_MISSING DS24_SIGNAL_UNSIGNED DS24_SIGNAL_ZONE_INSECURE DS24_SIGNAL_ZONE_UNREACHABLE
        N16_NO_RESPONSE N16_UNEXPECTED_RCODE N17_COOKIE_CLIENT_ONLY N17_COOKIE_MALFORMED N17_COOKIE_SELF_REJECT
        N17_NO_RESPONSE N18_FILTERED_RESPONSE N18_NO_RESPONSE N18_RESOLVER_BEHAVIOR_REPORTED
        N18_SERVER_ERROR_REPORTED Z12_INCONSISTENT_CSYNC Z12_MIXED_PRESENCE Z12_MULTIPLE_CSYNC Z12_SERIAL_MISMATCH
        Z13_SPF_LOOKUP_COUNT_EXCEEDED Z13_SPF_LOOKUP_LOOP Z13_SPF_PTR_DEPRECATED Z13_UNABLE_TO_CHECK
        Z14_DUPLICATE_SCHEME_HASH Z14_INCONSISTENT_ZONEMD Z14_MIXED_PRESENCE Z14_SERIAL_MISMATCH
        Z15_INCONSISTENT_CAA Z15_INVALID_IODEF_VALUE Z15_INVALID_ISSUE_VALUE Z15_INVALID_PROPERTY_TAG
        Z15_MIXED_PRESENCE Z15_NO_RESPONSE_CAA_QUERY Z15_UNEXPECTED_RCODE_CAA
    """,
    "ERROR": """
        CN05_TCP_ANSWER_TRUNCATED DS19_BADKEY_BLOCKLIST DS19_BADKEY_FERMAT DS19_BADKEY_PATTERN DS19_BADKEY_ROCA
        DS19_BADKEY_RSA_INVALID DS19_BADKEY_SMALL_D DS19_BADKEY_SMALL_FACTORS DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE
        DS20_NSEC_BITMAP_MISMATCHES_RRTYPE DS22_NS_ADDRESS_CHAIN_BROKEN DS22_NS_ADDRESS_ORPHAN_ZONE
        DS22_NS_ADDRESS_RRSIG_EXPIRED DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY DS22_NS_ADDRESS_UNSIGNED
        DS23_NO_DENIAL_PROOF DS23_NSEC3_CHAIN_NOT_PUBLISHED DS23_NSEC3_DUPLICATE_NEXT DS23_NSEC3_MIXED_PARAMETERS
        DS23_NSEC3_RANGES_OVERLAP DS23_NSEC_RANGES_OVERLAP Z15_UNKNOWN_PROPERTY_CRITICAL
    """,
}
LEVELS: Final = {tag: level for level, tags in _BY_LEVEL.items() for tag in tags.split()}


def judge(subject: Subject, cases: Iterable[str] = CASES) -> list[Entry]:
    """Run cases on a zone."""
    found: list[Entry] = []
    for case_id in cases:
        marker = {"testcase": case_id}
        made = [("TEST_CASE_START", marker), *CASES[case_id](subject), ("TEST_CASE_END", marker)]
        found += [(case_id, tag, LEVELS[tag], arguments) for tag, arguments in made]
    return found
