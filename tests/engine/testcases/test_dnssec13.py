"""DNSSEC13: each algorithm signs."""

from __future__ import annotations

import pytest

from tests.support.case_runs import Scenario, findings
from tests.support.dnssec_worlds import (
    ADDRESSES,
    secure,
    with_fault,
)
from tests.support.dnsworld import KeySpec, Signing, faults

TWO = Signing(keys=(KeySpec("ksk"), KeySpec("zsk", flags=256), KeySpec("idle", flags=256, algorithm=15, signs=())))
SCENARIOS: dict[str, Scenario] = {
    "good": (secure(), [("DS13_ALL_ALGOS_SIGNED", {})]),
    "not signed": (secure(False), []),
    "algorithm that signs nothing": (
        secure(TWO),
        [
            ("DS13_ALGO_NOT_SIGNED_DNSKEY", {"algo_num": 15, "algo_mnemo": "ED25519", "addresses": ADDRESSES}),
            ("DS13_ALGO_NOT_SIGNED_SOA", {"algo_num": 15, "algo_mnemo": "ED25519", "addresses": ADDRESSES}),
            ("DS13_ALGO_NOT_SIGNED_NS", {"algo_num": 15, "algo_mnemo": "ED25519", "addresses": ADDRESSES}),
        ],
    ),
    "no answer about the SOA record": (with_fault(secure(), faults.silence(), qtype="SOA"), []),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec13(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec13", **(options[0] if options else {})) == expected
