"""DNSSEC06: signatures together with the keys."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, A2, Scenario, findings
from tests.support.dnssec_worlds import (
    secure,
    with_fault,
    without,
)
from tests.support.dnsworld import faults

SCENARIOS: dict[str, Scenario] = {
    "good": (
        secure(),
        [
            ("EXTRA_PROCESSING_OK", {"address": "127.9.1.1", "keys": 2, "sigs": 1}),
            ("EXTRA_PROCESSING_OK", {"address": "127.9.2.1", "keys": 2, "sigs": 1}),
        ],
    ),
    "without signatures, and without keys": (
        with_fault(with_fault(secure(), without("RRSIG"), A1, qtype="DNSKEY"), without("DNSKEY"), A2, qtype="DNSKEY"),
        [
            ("EXTRA_PROCESSING_BROKEN", {"address": "127.9.1.1", "keys": 2, "sigs": 0}),
            ("EXTRA_PROCESSING_BROKEN", {"address": "127.9.2.1", "keys": 0, "sigs": 1}),
        ],
    ),
    "an error is no broken answer": (with_fault(secure(), faults.rcode("SERVFAIL"), qtype="DNSKEY"), []),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec06(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec06", **(options[0] if options else {})) == expected
