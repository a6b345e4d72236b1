"""DNSSEC21: the parent's signature over the DS set."""

from __future__ import annotations

import dns.name
import pytest

from tests.support.case_runs import A1, NS1, Scenario, findings
from tests.support.dnssec_worlds import (
    LATER,
    P1,
    P2,
    ZONE,
    secure,
    signatures,
    with_fault,
    without,
)
from tests.support.dnsworld import Fault, Signing, World, delegation, faults


def parent(fault: Fault, qtype: str = "DS") -> World:
    return with_fault(secure(), fault, P1, qname=ZONE if qtype == "DS" else "xa", qtype=qtype)


SCENARIOS: dict[str, Scenario] = {
    "good": (secure(), [("DS21_DS_RRSIG_VERIFIED", {"keytag": 50189, "addresses": ["127.8.1.1", "127.8.2.1"]})]),
    "the root": (secure(), [("DS21_NO_PARENT_ZONE", {"zone": "."})], {"zone": "."}),
    "a TLD": (
        secure(),
        [("DS21_DS_RRSIG_VERIFIED", {"keytag": 42003, "addresses": ["127.201.0.1", "127.202.0.1"]})],
        {"zone": "xa"},
    ),
    "supplied name servers": (secure(), [], {"supplied": {NS1: (A1,)}}),
    "no DS record": (secure(delegation=delegation(ds=False)), []),
    "no keys of the parent on one server": (
        parent(faults.empty_answer(), "DNSKEY"),
        [
            ("DS21_PARENT_DNSKEY_MISSING", {"parent_zone": "xa", "addresses": ["127.8.1.1"]}),
            ("DS21_DS_RRSIG_VERIFIED", {"keytag": 50189, "addresses": ["127.8.2.1"]}),
        ],
    ),
    "no signature on one server": (
        parent(without("RRSIG")),
        [
            ("DS21_NO_DS_RRSIG", {"addresses": ["127.8.1.1"]}),
            ("DS21_DS_RRSIG_VERIFIED", {"keytag": 50189, "addresses": ["127.8.2.1"]}),
        ],
    ),
    "signature of the child only": (
        with_fault(secure(), signatures("RRSIG/DS", signer=dns.name.from_text(ZONE)), P1, P2, qtype="DS"),
        [("DS21_DS_RRSIG_NOT_VERIFIABLE", {"addresses": ["127.8.1.1", "127.8.2.1"]})],
    ),
    "not yet valid": (
        secure(xa=LATER),
        [
            ("DS21_DS_RRSIG_NOT_YET_VALID", {"keytag": 50189, "addresses": ["127.8.1.1", "127.8.2.1"]}),
            ("DS21_DS_RRSIG_NOT_VERIFIABLE", {"addresses": ["127.8.1.1", "127.8.2.1"]}),
        ],
    ),
    "expired": (
        secure(xa=Signing.expired()),
        [
            ("DS21_DS_RRSIG_EXPIRED", {"keytag": 50189, "addresses": ["127.8.1.1", "127.8.2.1"]}),
            ("DS21_DS_RRSIG_NOT_VERIFIABLE", {"addresses": ["127.8.1.1", "127.8.2.1"]}),
        ],
    ),
    "made by another key": (
        with_fault(secure(), signatures("RRSIG/DS", key_tag=1), P1, P2, qtype="DS"),
        [
            ("DS21_NO_DNSKEY_FOR_DS_RRSIG", {"keytag": 1, "addresses": ["127.8.1.1", "127.8.2.1"]}),
            ("DS21_DS_RRSIG_NOT_VERIFIABLE", {"addresses": ["127.8.1.1", "127.8.2.1"]}),
        ],
    ),
    "does not verify": (
        secure(xa=Signing(bogus_types=("DS",))),
        [
            ("DS21_DS_RRSIG_NOT_VALID_BY_DNSKEY", {"keytag": 50189, "addresses": ["127.8.1.1", "127.8.2.1"]}),
            ("DS21_DS_RRSIG_NOT_VERIFIABLE", {"addresses": ["127.8.1.1", "127.8.2.1"]}),
        ],
    ),
    "algorithm that is not known": (
        secure(xa=Signing(shown_algorithm=17)),
        [
            (
                "DS21_ALGO_NOT_SUPPORTED",
                {"keytag": 50193, "algo_num": 17, "algo_mnemo": "SM2SM3", "addresses": ["127.8.1.1", "127.8.2.1"]},
            ),
            ("DS21_DS_RRSIG_NOT_VERIFIABLE", {"addresses": ["127.8.1.1", "127.8.2.1"]}),
        ],
    ),
    "algorithm that is not known, by another key": (
        with_fault(secure(), signatures("RRSIG/DS", key_tag=1, algorithm=17), P1, P2, qtype="DS"),
        [
            ("DS21_NO_DNSKEY_FOR_DS_RRSIG", {"keytag": 1, "addresses": ["127.8.1.1", "127.8.2.1"]}),
            ("DS21_DS_RRSIG_NOT_VERIFIABLE", {"addresses": ["127.8.1.1", "127.8.2.1"]}),
        ],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec21(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec21", **(options[0] if options else {})) == expected
