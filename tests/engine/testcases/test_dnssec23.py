"""DNSSEC23: contradictions in one denial."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Scenario, findings
from tests.support.dnssec_worlds import (
    ZONE,
    added,
    secure,
    with_fault,
)
from tests.support.dnsworld import Fault, Nsec3, Signing, World, faults

HASHED = Signing(nsec3=Nsec3())
PROBE = f"xn--gonemaster-probe-9.{ZONE}"
LABELS = [letter * 32 for letter in "04cg"]


def probe(fault: Fault, signing: Signing | bool = True) -> World:
    return with_fault(secure(signing), fault, A1, qname=PROBE)


def hashed(*records: tuple[str, str], iterations: str = "0") -> Fault:
    """Answer with NSEC3 records, given as owner and next label."""
    text = "\n".join(f"{owner}.{ZONE}. NSEC3 1 0 {iterations} - {following} A" for owner, following in records)
    return faults.answers(authority=text)


def plain(*records: tuple[str, str]) -> Fault:
    return faults.answers(
        authority="\n".join(f"{owner}.{ZONE}. NSEC {following}.{ZONE}. A" for owner, following in records)
    )


MIXED = faults.answers(
    authority=f"{LABELS[0]}.{ZONE}. NSEC3 1 0 0 - {LABELS[1]} A\n{LABELS[1]}.{ZONE}. NSEC3 1 0 5 - {LABELS[2]} A"
)
SCENARIOS: dict[str, Scenario] = {
    "NSEC": (secure(), [("DS23_DENIAL_PROOF_CONSISTENT", {"servers": BOTH})]),
    "NSEC3": (secure(HASHED), [("DS23_DENIAL_PROOF_CONSISTENT", {"servers": BOTH})]),
    "wildcard": (secure(records="* A 192.0.2.1"), [("DS23_DENIAL_PROOF_CONSISTENT", {"servers": BOTH})]),
    "not signed": (secure(False), []),
    "no proof": (probe(faults.answers(authority="")), [("DS23_NO_DENIAL_PROOF", {"servers": [S1]})]),
    "error": (probe(faults.rcode("SERVFAIL")), [("DS23_DENIAL_PROOF_CONSISTENT", {"servers": [S2]})]),
    "NSEC ranges overlap": (
        probe(plain(("a", "n"), ("c", "p"))),
        [
            (
                "DS23_NSEC_RANGES_OVERLAP",
                {"owner": "a.example.xa", "covered": "c.example.xa", "next": "n.example.xa", "servers": [S1]},
            )
        ],
    ),
    "NSEC ranges in order": (
        probe(plain(("a", "c"), ("c", "p"))),
        [("DS23_DENIAL_PROOF_CONSISTENT", {"servers": BOTH})],
    ),
    "NSEC3 ranges overlap": (
        probe(hashed((LABELS[0], LABELS[2]), (LABELS[1], LABELS[3])), HASHED),
        [
            (
                "DS23_NSEC3_RANGES_OVERLAP",
                {
                    "owner": "00000000000000000000000000000000.example.xa",
                    "covered": "44444444444444444444444444444444.example.xa",
                    "next": "cccccccccccccccccccccccccccccccc",
                    "servers": [S1],
                },
            )
        ],
    ),
    "NSEC3 names one hash twice": (
        probe(hashed((LABELS[0], LABELS[2]), (LABELS[1], LABELS[2])), HASHED),
        [
            (
                "DS23_NSEC3_DUPLICATE_NEXT",
                {
                    "owner": "00000000000000000000000000000000.example.xa",
                    "covered": "44444444444444444444444444444444.example.xa",
                    "next": "cccccccccccccccccccccccccccccccc",
                    "servers": [S1],
                },
            )
        ],
    ),
    "NSEC3 with different parameters": (probe(MIXED, HASHED), [("DS23_NSEC3_MIXED_PARAMETERS", {"servers": [S1]})]),
    "NSEC3 with other parameters than published": (
        probe(hashed((LABELS[0], LABELS[1]), iterations="7"), HASHED),
        [("DS23_NSEC3_CHAIN_NOT_PUBLISHED", {"servers": [S1]})],
    ),
    "several NSEC3PARAM": (
        with_fault(secure(HASHED), added(f"{ZONE}. NSEC3PARAM 1 0 5 -"), A1, qtype="NSEC3PARAM"),
        [("DS23_MULTIPLE_NSEC3PARAM", {"servers": [S1]}), ("DS23_DENIAL_PROOF_CONSISTENT", {"servers": BOTH})],
    ),
    "no answer about NSEC3PARAM": (
        with_fault(secure(HASHED), faults.rcode("SERVFAIL"), qtype="NSEC3PARAM"),
        [("DS23_DENIAL_PROOF_CONSISTENT", {"servers": BOTH})],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec23(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec23", **(options[0] if options else {})) == expected
