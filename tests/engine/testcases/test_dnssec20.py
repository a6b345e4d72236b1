"""DNSSEC20: the type bitmap of the apex."""

from __future__ import annotations

import dns.name
import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Scenario, findings
from tests.support.dnssec_worlds import (
    edit,
    retyped,
    secure,
    signatures,
    with_fault,
)
from tests.support.dnsworld import Nsec3, Signing, faults

HASHED = Signing(nsec3=Nsec3())
RECORDS = "@ A 192.0.2.1\n@ MX 10 mail"
BARE = edit(lambda message: message.answer.clear())
SCENARIOS: dict[str, Scenario] = {
    "good": (secure(records=RECORDS), [("DS20_BITMAP_OK", {"servers": BOTH})]),
    "good, NSEC3": (secure(HASHED, records=RECORDS), [("DS20_BITMAP_OK", {"servers": BOTH})]),
    "NSEC lacks a type": (
        with_fault(secure(records=RECORDS), retyped("NSEC", remove="MX"), A1, qtype="NSEC"),
        [
            ("DS20_NSEC_BITMAP_MISMATCHES_RRTYPE", {"query_type": "MX", "servers": [S1]}),
            ("DS20_BITMAP_OK", {"servers": [S2]}),
        ],
    ),
    "NSEC3 lacks types": (
        with_fault(
            with_fault(secure(HASHED, records=RECORDS), retyped("NSEC3", remove="MX"), A1, qtype="NSEC"),
            retyped("NSEC3", remove="A"),
            A1,
            qtype="NSEC",
        ),
        [
            ("DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE", {"query_type": "A", "servers": [S1]}),
            ("DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE", {"query_type": "MX", "servers": [S1]}),
            ("DS20_BITMAP_OK", {"servers": [S2]}),
        ],
    ),
    "bitmap only from the question for NSEC3PARAM": (
        with_fault(secure(records=RECORDS), BARE, A1, qtype="NSEC"),
        [("DS20_BITMAP_OK", {"servers": BOTH})],
    ),
    "bitmap of the parent zone": (
        with_fault(secure(records=RECORDS), signatures("RRSIG/NSEC", signer=dns.name.from_text("xa")), A1),
        [("DS20_BITMAP_OK", {"servers": [S2]}), ("DS20_NO_BITMAP", {"servers": [S1]})],
    ),
    "no bitmap": (
        with_fault(secure(), faults.empty_answer(), A1, qtype=["NSEC", "NSEC3PARAM"]),
        [("DS20_BITMAP_OK", {"servers": [S2]}), ("DS20_NO_BITMAP", {"servers": [S1]})],
    ),
    "no probe answered": (
        with_fault(secure(records=RECORDS), faults.rcode("SERVFAIL"), A1, qtype=["A", "AAAA", "MX", "TXT"]),
        [("DS20_BITMAP_OK", {"servers": [S2]})],
    ),
    "one probe answered": (
        with_fault(secure(records=RECORDS), faults.rcode("SERVFAIL"), A1, qtype=["A", "AAAA", "MX"]),
        [("DS20_BITMAP_OK", {"servers": BOTH})],
    ),
    "not signed": (secure(False), [("DS20_NO_DNSSEC", {"servers": BOTH})]),
    "not signed on one server": (
        with_fault(secure(), faults.empty_answer(), A1, qtype="DNSKEY"),
        [("DS20_BITMAP_OK", {"servers": [S2]})],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec20(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec20", **(options[0] if options else {})) == expected
