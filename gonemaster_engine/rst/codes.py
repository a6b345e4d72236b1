"""The codes of RST's own test cases, and names shared by the modules of this package.

Source: icann/rst-test-specs v2026.05, inc/dns/errors.yaml and inc/dnssec/errors.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gonemaster_engine.entries import Entry, Level

SPECIFICATION = "v2026.05"
MODULE = "RST"

IDNA = "dns-zz-idna2008-compliance"
CONSISTENCY = "dns-zz-consistency"
SIGNING_ALGORITHMS = "dnssec-91"
DS_DIGESTS = "dnssec-92"
NSEC3_PARAMETERS = "dnssec-93"
DNS_SUITE, DNSSEC_SUITE = "StandardDNS", "StandardDNSSEC"

CASES: Mapping[str, tuple[str, ...]] = {
    IDNA: (
        "DNS_IDNA2008_QUERY_FAILED",
        "DNS_IDNA2008_INVALID_MNAME",
        "DNS_IDNA2008_INVALID_RNAME",
        "DNS_IDNA2008_INVALID_NS_NSDNAME",
    ),
    CONSISTENCY: ("DNS_CONSISTENCY_QUERY_FAILED", "DNS_INCONSISTENT_RESPONSES"),
    SIGNING_ALGORITHMS: ("DNSSEC_DNS_QUERY_ERROR", "DNSSEC_INVALID_SIGNING_ALGORITHM"),
    DS_DIGESTS: ("DNSSEC_INVALID_DIGEST_ALGORITHM",),
    NSEC3_PARAMETERS: (
        "DNSSEC_DNS_QUERY_ERROR",
        "DNSSEC_NSEC3_ITERATIONS_IS_NOT_ZERO",
        "DNSSEC_NSEC3_SALT_IS_NOT_EMPTY",
    ),
}
"""RST's own test cases in the order of their suites, with the codes that each can report."""

LEVELS: Mapping[str, Level] = {
    "DNS_IDNA2008_QUERY_FAILED": Level.CRITICAL,
    "DNS_IDNA2008_INVALID_MNAME": Level.ERROR,
    "DNS_IDNA2008_INVALID_RNAME": Level.ERROR,
    "DNS_IDNA2008_INVALID_NS_NSDNAME": Level.ERROR,
    "DNS_CONSISTENCY_QUERY_FAILED": Level.ERROR,
    "DNS_INCONSISTENT_RESPONSES": Level.ERROR,
    "DNSSEC_DNS_QUERY_ERROR": Level.ERROR,
    "DNSSEC_INVALID_SIGNING_ALGORITHM": Level.ERROR,
    "DNSSEC_INVALID_DIGEST_ALGORITHM": Level.ERROR,
    "DNSSEC_NSEC3_ITERATIONS_IS_NOT_ZERO": Level.ERROR,
    "DNSSEC_NSEC3_SALT_IS_NOT_EMPTY": Level.ERROR,
    "RST_FAMILY_NOT_TESTED": Level.WARNING,
    "RST_TRANSPORT_NOT_TESTED": Level.WARNING,
    "RST_TIME_LIMIT_REACHED": Level.WARNING,
    "RST_CASE_FAILED_TO_RUN": Level.WARNING,
    "RST_NIC_RECORDS_MISSING": Level.WARNING,
    "RST_CASE_SKIPPED": Level.INFO,
    "RST_CASE_FINISHED": Level.INFO,
    "RST_SERVER_IDENTITY": Level.INFO,
}
"""The tags of RST's own test cases with their levels: RST's codes, and `RST_...`, which never fail a case."""

UNDECIDED = frozenset(
    {"RST_FAMILY_NOT_TESTED", "RST_TRANSPORT_NOT_TESTED", "RST_TIME_LIMIT_REACHED", "RST_CASE_FAILED_TO_RUN"}
)
"""Tags that say that a case did not test everything, so that it cannot pass."""


def suite_of(case_id: str) -> str:
    """Return the suite of a test case of RST, which its name determines."""
    return DNSSEC_SUITE if case_id.startswith("dnssec-") else DNS_SUITE


def make_entry(case_id: str, tag: str, elapsed_s: float = 0.0, **args: Any) -> Entry:
    """Return a finding of one of RST's own test cases as an entry of a run."""
    return Entry(elapsed_s, MODULE, case_id, tag, LEVELS[tag], args)
