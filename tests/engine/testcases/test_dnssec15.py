"""DNSSEC15: CDS and CDNSKEY records."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, A2, Scenario, findings
from tests.support.dnssec_worlds import (
    ADDRESSES,
    ZONE,
    added,
    secure,
    with_fault,
)
from tests.support.dnsworld import Signing, World, faults

BOTH_TYPES = Signing(publish_cds=True)


def differing(qtype: str) -> World:
    return with_fault(secure(BOTH_TYPES), faults.empty_answer(), A1, qtype=qtype)


SCENARIOS: dict[str, Scenario] = {
    "none": (secure(), [("DS15_NO_CDS_CDNSKEY", {})]),
    "both": (secure(BOTH_TYPES), [("DS15_HAS_CDS_AND_CDNSKEY", {"addresses": ADDRESSES})]),
    "no CDNSKEY on one server": (
        differing("CDNSKEY"),
        [
            ("DS15_HAS_CDS_NO_CDNSKEY", {"addresses": [A1]}),
            ("DS15_HAS_CDS_AND_CDNSKEY", {"addresses": [A2]}),
            ("DS15_INCONSISTENT_CDNSKEY", {}),
        ],
    ),
    "no CDS on one server": (
        differing("CDS"),
        [
            ("DS15_HAS_CDNSKEY_NO_CDS", {"addresses": [A1]}),
            ("DS15_HAS_CDS_AND_CDNSKEY", {"addresses": [A2]}),
            ("DS15_INCONSISTENT_CDS", {}),
        ],
    ),
    "another digest type": (
        secure(Signing(publish_cds=True, digests=(2, 4))),
        [
            ("DS15_HAS_CDS_AND_CDNSKEY", {"addresses": ADDRESSES}),
            ("DS15_CDS_NON_MUST_DIGEST", {"addresses": ADDRESSES}),
        ],
    ),
    "another digest type on one server only": (
        with_fault(secure(BOTH_TYPES), added(f"{ZONE}. CDS 4711 13 4 {'ab' * 48}"), A1, qtype="CDS"),
        [
            ("DS15_HAS_CDS_AND_CDNSKEY", {"addresses": ADDRESSES}),
            ("DS15_CDS_NON_MUST_DIGEST", {"addresses": [A1]}),
            ("DS15_MISMATCH_CDS_CDNSKEY", {"addresses": [A1]}),
        ],
    ),
    "CDS without partner": (
        secure(BOTH_TYPES, records=f"@ CDS 4711 13 2 {'ab' * 32}"),
        [
            ("DS15_HAS_CDS_AND_CDNSKEY", {"addresses": ADDRESSES}),
            ("DS15_MISMATCH_CDS_CDNSKEY", {"addresses": ADDRESSES}),
        ],
    ),
    "both ask for deletion": (
        secure(records="@ CDS 0 0 0 00\n@ CDNSKEY 0 3 0 AA=="),
        [("DS15_HAS_CDS_AND_CDNSKEY", {"addresses": ADDRESSES})],
    ),
    "no usable answer about CDNSKEY": (with_fault(secure(BOTH_TYPES), faults.silence(), qtype="CDNSKEY"), []),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec15(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec15", **(options[0] if options else {})) == expected
