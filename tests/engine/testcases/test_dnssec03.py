"""DNSSEC03: parameters of NSEC3."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, A2, BOTH, S1, S2, Scenario, findings
from tests.support.dnssec_worlds import (
    PARENTS,
    ZONE,
    secure,
    with_fault,
)
from tests.support.dnsworld import Nsec3, Signing, faults

OWNER = f"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.{ZONE}."
NEXT = "2t7b4g4vsa5smi47k61mv5bv1a22bojr"
ODD = faults.answers(authority=f"{OWNER} NSEC3 2 65 5 abcd {NEXT} NS SOA")
TWO = faults.answers(
    authority=f"{OWNER} NSEC3 1 0 0 - {NEXT} NS SOA\n{NEXT}.{ZONE}. NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A"
)
HASHED = Signing(nsec3=Nsec3())
SCENARIOS: dict[str, Scenario] = {
    "good": (
        secure(HASHED),
        [
            ("DS03_LEGAL_HASH_ALGO", {"servers": BOTH}),
            ("DS03_NSEC3_OPT_OUT_DISABLED", {"servers": BOTH}),
            ("DS03_LEGAL_ITERATION_VALUE", {"servers": BOTH}),
            ("DS03_LEGAL_EMPTY_SALT", {"servers": BOTH}),
        ],
    ),
    "NSEC": (secure(), [("DS03_NO_NSEC3", {"servers": BOTH})]),
    "not signed": (secure(False), [("DS03_NO_DNSSEC_SUPPORT", {"servers": BOTH})]),
    "one server without keys, the other with NSEC": (
        with_fault(secure(), faults.empty_answer(), A1, qtype="DNSKEY"),
        [("DS03_SERVER_NO_DNSSEC_SUPPORT", {"servers": [S1]}), ("DS03_NO_NSEC3", {"servers": [S2]})],
    ),
    "other parameters on one server": (
        with_fault(secure(HASHED), ODD, A1, qtype="NSEC"),
        [
            ("DS03_INCONSISTENT_HASH_ALGO", {}),
            ("DS03_LEGAL_HASH_ALGO", {"servers": [S2]}),
            ("DS03_ILLEGAL_HASH_ALGO", {"servers": [S1], "algo_num": 2}),
            ("DS03_INCONSISTENT_NSEC3_FLAGS", {}),
            ("DS03_UNASSIGNED_FLAG_USED", {"int": 1, "servers": [S1]}),
            ("DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD", {"servers": [S1]}),
            ("DS03_NSEC3_OPT_OUT_DISABLED", {"servers": [S2]}),
            ("DS03_INCONSISTENT_ITERATION", {}),
            ("DS03_LEGAL_ITERATION_VALUE", {"servers": [S2]}),
            ("DS03_ILLEGAL_ITERATION_VALUE", {"servers": [S1], "int": 5}),
            ("DS03_INCONSISTENT_SALT_LENGTH", {}),
            ("DS03_LEGAL_EMPTY_SALT", {"servers": [S2]}),
            ("DS03_ILLEGAL_SALT_LENGTH", {"servers": [S1], "int": 2}),
        ],
    ),
    "one server with NSEC": (
        with_fault(secure(HASHED), faults.answers(authority=""), A1, qtype="NSEC"),
        [
            ("DS03_SERVER_NO_NSEC3", {"servers": [S1]}),
            ("DS03_LEGAL_HASH_ALGO", {"servers": [S2]}),
            ("DS03_NSEC3_OPT_OUT_DISABLED", {"servers": [S2]}),
            ("DS03_LEGAL_ITERATION_VALUE", {"servers": [S2]}),
            ("DS03_LEGAL_EMPTY_SALT", {"servers": [S2]}),
        ],
    ),
    "several records": (
        with_fault(secure(HASHED), TWO, A1, qtype="NSEC"),
        [
            ("DS03_ERR_MULT_NSEC3", {"servers": [S1]}),
            ("DS03_LEGAL_HASH_ALGO", {"servers": BOTH}),
            ("DS03_NSEC3_OPT_OUT_DISABLED", {"servers": BOTH}),
            ("DS03_LEGAL_ITERATION_VALUE", {"servers": BOTH}),
            ("DS03_LEGAL_EMPTY_SALT", {"servers": BOTH}),
        ],
    ),
    "opt-out": (
        secure(Signing(nsec3=Nsec3(opt_out=True))),
        [
            ("DS03_LEGAL_HASH_ALGO", {"servers": BOTH}),
            ("DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD", {"servers": BOTH}),
            ("DS03_LEGAL_ITERATION_VALUE", {"servers": BOTH}),
            ("DS03_LEGAL_EMPTY_SALT", {"servers": BOTH}),
        ],
    ),
    "opt-out in a TLD": (
        secure(xa=Signing(nsec3=Nsec3(opt_out=True))),
        [
            ("DS03_LEGAL_HASH_ALGO", {"servers": PARENTS}),
            ("DS03_NSEC3_OPT_OUT_ENABLED_TLD", {"servers": PARENTS}),
            ("DS03_LEGAL_ITERATION_VALUE", {"servers": PARENTS}),
            ("DS03_LEGAL_EMPTY_SALT", {"servers": PARENTS}),
        ],
        {"zone": "xa"},
    ),
    "no answer and an error": (
        with_fault(
            with_fault(secure(HASHED), faults.silence(), A1, qtype="NSEC"), faults.rcode("SERVFAIL"), A2, qtype="NSEC"
        ),
        [("DS03_NO_RESPONSE_NSEC_QUERY", {"servers": [S1]}), ("DS03_ERROR_RESPONSE_NSEC_QUERY", {"servers": [S2]})],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec03(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec03", **(options[0] if options else {})) == expected
