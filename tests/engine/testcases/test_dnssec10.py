"""DNSSEC10: NSEC or NSEC3 at the apex."""

from __future__ import annotations

import dns.message
import dns.rrset
import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Scenario, findings
from tests.support.dnssec_worlds import (
    ADDRESSES,
    ZONE,
    added,
    edit,
    renamed,
    retyped,
    secure,
    signatures,
    with_fault,
    without,
)
from tests.support.dnsworld import Fault, Nsec3, Signing, World, faults

HASHED = Signing(nsec3=Nsec3())
OTHER = f"other.{ZONE}."
SECOND = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"


def to_authority(message: dns.message.Message) -> None:
    """Move the answer to the authority section and put the SOA record before it."""
    soa = dns.rrset.from_text(f"{ZONE}.", 60, "IN", "SOA", "ns1.example.xa. hostmaster.example.xa. 1 1 1 1 1")
    message.authority = [soa, *message.answer]
    message.answer = []


def nsec(fault: Fault, qtype: str = "NSEC3PARAM") -> World:
    return with_fault(secure(), fault, A1, qtype=qtype)


def nsec3(fault: Fault, qtype: str = "NSEC") -> World:
    return with_fault(secure(HASHED), fault, A1, qtype=qtype)


def two_kinds() -> World:
    world = secure()
    world.zone_of(ZONE).on(A1, signed=HASHED)
    return world


SCENARIOS: dict[str, Scenario] = {
    "NSEC": (secure(), [("DS10_HAS_NSEC", {"servers": BOTH})]),
    "NSEC3": (secure(HASHED), [("DS10_HAS_NSEC3", {"servers": BOTH})]),
    "not signed": (secure(False), [("DS10_ZONE_NO_DNSSEC", {"servers": BOTH})]),
    "not signed on one server": (
        with_fault(secure(), faults.empty_answer(), A1, qtype="DNSKEY"),
        [("DS10_HAS_NSEC", {"servers": [S2]}), ("DS10_SERVER_NO_DNSSEC", {"servers": [S1]})],
    ),
    "no usable keys": (with_fault(secure(), faults.rcode("REFUSED"), qtype="DNSKEY"), []),
    "several NSEC in the answer": (
        nsec(added(f"{OTHER} NSEC {ZONE}. A"), "NSEC"),
        [("DS10_HAS_NSEC", {"servers": BOTH}), ("DS10_ERR_MULT_NSEC", {"servers": [S1]})],
    ),
    "several NSEC in the denial": (
        nsec(added(f"{OTHER} NSEC {ZONE}. A", section=2)),
        [("DS10_HAS_NSEC", {"servers": BOTH}), ("DS10_ERR_MULT_NSEC", {"servers": [S1]})],
    ),
    "several NSEC3": (
        nsec3(added(f"{SECOND}.{ZONE}. NSEC3 1 0 0 - {SECOND} A", section=2)),
        [("DS10_HAS_NSEC3", {"servers": BOTH}), ("DS10_ERR_MULT_NSEC3", {"servers": [S1]})],
    ),
    "several NSEC3PARAM": (
        nsec3(added(f"{ZONE}. NSEC3PARAM 1 0 5 -"), "NSEC3PARAM"),
        [("DS10_HAS_NSEC3", {"servers": BOTH}), ("DS10_ERR_MULT_NSEC3PARAM", {"servers": [S1]})],
    ),
    "NSEC without a type": (
        nsec(retyped("NSEC", remove="SOA")),
        [
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_ERR_TYPE_LIST", {"servers": [S1]}),
            ("DS10_NSEC_RRSIG_VERIFY_ERROR", {"keytag": 46291, "servers": [S1]}),
            ("DS10_NSEC_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC with a type": (
        nsec(retyped("NSEC", add="NSEC3PARAM")),
        [
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_ERR_TYPE_LIST", {"servers": [S1]}),
            ("DS10_NSEC_RRSIG_VERIFY_ERROR", {"keytag": 46291, "servers": [S1]}),
            ("DS10_NSEC_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC3 without a type": (
        nsec3(retyped("NSEC3", remove="NSEC3PARAM")),
        [
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3_ERR_TYPE_LIST", {"servers": [S1]}),
            ("DS10_NSEC3_RRSIG_VERIFY_ERROR", {"keytag": 46291, "servers": [S1]}),
            ("DS10_NSEC3_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC3 with a type": (
        nsec3(retyped("NSEC3", add="NSEC")),
        [
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3_ERR_TYPE_LIST", {"servers": [S1]}),
            ("DS10_NSEC3_RRSIG_VERIFY_ERROR", {"keytag": 46291, "servers": [S1]}),
            ("DS10_NSEC3_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC of another name in the answer": (
        nsec(renamed("NSEC", OTHER), "NSEC"),
        [("DS10_HAS_NSEC", {"servers": BOTH}), ("DS10_NSEC_MISMATCHES_APEX", {"servers": [S1]})],
    ),
    "NSEC of another name": (
        nsec(renamed("NSEC", OTHER)),
        [
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_MISMATCHES_APEX", {"servers": [S1]}),
            ("DS10_NSEC_MISSING_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC3 of another name": (
        nsec3(renamed("NSEC3", f"{SECOND}.{ZONE}.")),
        [
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3_MISMATCHES_APEX", {"servers": [S1]}),
            ("DS10_NSEC3_MISSING_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC3PARAM of another name": (
        nsec3(renamed("NSEC3PARAM", OTHER), "NSEC3PARAM"),
        [("DS10_HAS_NSEC3", {"servers": BOTH}), ("DS10_NSEC3PARAM_MISMATCHES_APEX", {"servers": [S1]})],
    ),
    "NSEC without SOA": (
        nsec(without("SOA")),
        [("DS10_HAS_NSEC", {"servers": BOTH}), ("DS10_NSEC_NODATA_MISSING_SOA", {"servers": [S1]})],
    ),
    "NSEC with another SOA": (
        nsec(renamed("SOA", OTHER)),
        [
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_NODATA_WRONG_SOA", {"domain": "other.example.xa", "servers": [S1]}),
        ],
    ),
    "NSEC3 without SOA": (
        nsec3(without("SOA")),
        [("DS10_HAS_NSEC3", {"servers": BOTH}), ("DS10_NSEC3_NODATA_MISSING_SOA", {"servers": [S1]})],
    ),
    "NSEC3 with another SOA": (
        nsec3(renamed("SOA", OTHER)),
        [
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3_NODATA_WRONG_SOA", {"domain": "other.example.xa", "servers": [S1]}),
        ],
    ),
    "NSEC without signature": (
        nsec(without("RRSIG/NSEC")),
        [("DS10_HAS_NSEC", {"servers": BOTH}), ("DS10_NSEC_MISSING_SIGNATURE", {"servers": [S1]})],
    ),
    "NSEC3 without signature": (
        nsec3(without("RRSIG/NSEC3")),
        [("DS10_HAS_NSEC3", {"servers": BOTH}), ("DS10_NSEC3_MISSING_SIGNATURE", {"servers": [S1]})],
    ),
    "NSEC signed by another key": (
        nsec(signatures("RRSIG/NSEC", key_tag=1)),
        [
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_RRSIG_NO_DNSKEY", {"keytag": 1, "servers": [S1]}),
            ("DS10_NSEC_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC3 signed by another key": (
        nsec3(signatures("RRSIG/NSEC3", key_tag=1)),
        [
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3_RRSIG_NO_DNSKEY", {"keytag": 1, "servers": [S1]}),
            ("DS10_NSEC3_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC expired": (
        nsec(signatures("RRSIG/NSEC", inception=1, expiration=1000000000)),
        [
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_RRSIG_EXPIRED", {"keytag": 46291, "servers": [S1]}),
            ("DS10_NSEC_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC3 expired": (
        nsec3(signatures("RRSIG/NSEC3", inception=1, expiration=1000000000)),
        [
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3_RRSIG_EXPIRED", {"keytag": 46291, "servers": [S1]}),
            ("DS10_NSEC3_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC not yet valid": (
        nsec(signatures("RRSIG/NSEC", inception=3000000000, expiration=3000000001)),
        [
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_RRSIG_NOT_YET_VALID", {"keytag": 46291, "servers": [S1]}),
            ("DS10_NSEC_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC3 not yet valid": (
        nsec3(signatures("RRSIG/NSEC3", inception=3000000000, expiration=3000000001)),
        [
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3_RRSIG_NOT_YET_VALID", {"keytag": 46291, "servers": [S1]}),
            ("DS10_NSEC3_NO_VERIFIED_SIGNATURE", {"servers": [S1]}),
        ],
    ),
    "NSEC does not verify": (
        secure(Signing(bogus_types=("NSEC",))),
        [
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_RRSIG_VERIFY_ERROR", {"keytag": 46291, "servers": BOTH}),
            ("DS10_NSEC_NO_VERIFIED_SIGNATURE", {"servers": BOTH}),
        ],
    ),
    "NSEC3 does not verify": (
        secure(Signing(nsec3=Nsec3(), bogus_types=("NSEC3",))),
        [
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3_RRSIG_VERIFY_ERROR", {"keytag": 46291, "servers": BOTH}),
            ("DS10_NSEC3_NO_VERIFIED_SIGNATURE", {"servers": BOTH}),
        ],
    ),
    "algorithm that is not known": (
        secure(Signing(shown_algorithm=17)),
        [
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            (
                "DS10_ALGO_NOT_SUPPORTED_BY_ZM",
                {"keytag": 46295, "algo_num": 17, "algo_mnemo": "SM2SM3", "addresses": ADDRESSES},
            ),
        ],
    ),
    "other records for NSEC": (
        nsec(faults.answers(answer=f"{ZONE}. TXT x"), "NSEC"),
        [
            ("DS10_INCONSISTENT_NSEC", {"servers": [S1]}),
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_GIVES_ERR_ANSWER", {"servers": [S1]}),
        ],
    ),
    "other records for NSEC3PARAM": (
        nsec3(faults.answers(answer=f"{ZONE}. TXT x"), "NSEC3PARAM"),
        [
            ("DS10_INCONSISTENT_NSEC3", {"servers": [S1]}),
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3PARAM_GIVES_ERR_ANSWER", {"servers": [S1]}),
        ],
    ),
    "error for NSEC": (
        nsec(faults.rcode("SERVFAIL"), "NSEC"),
        [
            ("DS10_INCONSISTENT_NSEC", {"servers": [S1]}),
            ("DS10_HAS_NSEC", {"servers": BOTH}),
            ("DS10_NSEC_QUERY_RESPONSE_ERR", {"servers": [S1]}),
        ],
    ),
    "error for NSEC3PARAM": (
        nsec3(faults.rcode("SERVFAIL"), "NSEC3PARAM"),
        [
            ("DS10_INCONSISTENT_NSEC3", {"servers": [S1]}),
            ("DS10_HAS_NSEC3", {"servers": BOTH}),
            ("DS10_NSEC3PARAM_QUERY_RESPONSE_ERR", {"servers": [S1]}),
        ],
    ),
    "NSEC as a denial of itself": (
        nsec(edit(to_authority), "NSEC"),
        [("DS10_HAS_NSEC", {"servers": BOTH}), ("DS10_NONSTANDARD_NSEC_RESPONSE", {"servers": [S1]})],
    ),
    "NSEC on one server, NSEC3 on the other": (two_kinds(), [("DS10_INCONSISTENT_NSEC_NSEC3", {"servers": BOTH})]),
    "both on one server": (
        with_fault(secure(HASHED), added(f"{ZONE}. NSEC {ZONE}. SOA"), A1, qtype="NSEC"),
        [("DS10_MIXED_NSEC_NSEC3", {"servers": [S1]})],
    ),
    "neither": (
        with_fault(secure(), faults.empty_answer(), A1, qtype=["NSEC", "NSEC3PARAM"]),
        [("DS10_HAS_NSEC", {"servers": [S2]}), ("DS10_EXPECTED_NSEC_NSEC3_MISSING", {"servers": [S1]})],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec10(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec10", **(options[0] if options else {})) == expected
