"""DNSSEC11: a DS record requires a signed zone."""

from __future__ import annotations

import pytest

from gonemaster_engine.context import DSInfo
from tests.support.case_runs import A1, A2, NS1, Scenario, findings
from tests.support.dnssec_worlds import (
    P1,
    P2,
    ZONE,
    secure,
    with_fault,
    without,
)
from tests.support.dnsworld import delegation, faults

DS = ("4711 13 2 " + "ab" * 32,)
SUPPLIED = {"supplied": {NS1: (A1,)}, "ds": (DSInfo(4711, 13, 2, "ab" * 32),)}
SCENARIOS: dict[str, Scenario] = {
    "good": (secure(), [("DS11_CONSISTENT_SIGNED", {})]),
    "no DS record": (secure(delegation=delegation(ds=False)), [("DS11_NO_PARENT_DS", {})]),
    "no usable answer of the parent": (
        with_fault(secure(), faults.rcode("REFUSED"), P1, P2, qtype="DS"),
        [("DS11_UNDETERMINED_DS", {})],
    ),
    "the parent's servers differ": (
        with_fault(secure(), faults.empty_answer(), P1, qname=ZONE, qtype="DS"),
        [
            ("DS11_INCONSISTENT_DS", {}),
            ("DS11_PARENT_WITHOUT_DS", {"addresses": ["127.8.1.1"]}),
            ("DS11_PARENT_WITH_DS", {"addresses": ["127.8.2.1"]}),
            ("DS11_CONSISTENT_SIGNED", {}),
        ],
    ),
    "not signed": (secure(False, delegation=delegation(ds=DS)), [("DS11_DS_BUT_UNSIGNED_ZONE", {})]),
    "keys without signature": (
        with_fault(secure(), without("RRSIG"), qtype="DNSKEY"),
        [("DS11_DS_BUT_UNSIGNED_ZONE", {})],
    ),
    "not signed on one server": (
        with_fault(secure(), without("RRSIG"), A1, qtype="DNSKEY"),
        [
            ("DS11_INCONSISTENT_SIGNED_ZONE", {}),
            ("DS11_NS_WITH_UNSIGNED_ZONE", {"addresses": [A1]}),
            ("DS11_NS_WITH_SIGNED_ZONE", {"addresses": [A2]}),
        ],
    ),
    "no usable answer of the zone": (
        with_fault(secure(), faults.rcode("REFUSED"), qtype="DNSKEY"),
        [("DS11_UNDETERMINED_SIGNED_ZONE", {})],
    ),
    "supplied DS data": (secure(), [("DS11_CONSISTENT_SIGNED", {})], SUPPLIED),
    "supplied name servers only": (secure(), [], {"supplied": {NS1: (A1,)}}),
    "the root": (secure(), [], {"zone": "."}),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec11(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec11", **(options[0] if options else {})) == expected
