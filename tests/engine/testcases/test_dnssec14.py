"""DNSSEC14: sizes of RSA keys."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, A2, S1, S2, Scenario, findings
from tests.support.dnssec_worlds import (
    only_key,
    secure,
    with_fault,
)
from tests.support.dnsworld import faults
from tests.support.weak_keys import (
    STRONG_MODULUS,
    rsa_rdata,
)

KEYS = only_key(
    rsa_rdata(65537, STRONG_MODULUS, algorithm=10),
    rsa_rdata(65537, STRONG_MODULUS, algorithm=8),
    rsa_rdata(2**31, (1 << 4096) + 1, algorithm=7),
)
SCENARIOS: dict[str, Scenario] = {
    "curves": (secure(), [("KEY_SIZE_OK", {})]),
    "small, large, and with a large exponent": (
        with_fault(secure(), KEYS, A1, A2, qtype="DNSKEY"),
        [
            (
                "DNSKEY_TOO_LARGE_FOR_ALGO",
                {
                    "algo_num": 7,
                    "algo_descr": "RSASHA1-NSEC3-SHA1",
                    "keytag": 2186,
                    "keysize": 4097,
                    "keysizemin": 512,
                    "keysizemax": 4096,
                    "keysizerec": 2048,
                },
            ),
            (
                "DNSKEY_SMALLER_THAN_REC",
                {
                    "algo_num": 8,
                    "algo_descr": "RSA/SHA-256",
                    "keytag": 18485,
                    "keysize": 512,
                    "keysizemin": 512,
                    "keysizemax": 4096,
                    "keysizerec": 2048,
                },
            ),
            (
                "DNSKEY_TOO_SMALL_FOR_ALGO",
                {
                    "algo_num": 10,
                    "algo_descr": "RSA/SHA-512",
                    "keytag": 18487,
                    "keysize": 512,
                    "keysizemin": 1024,
                    "keysizemax": 4096,
                    "keysizerec": 2048,
                },
            ),
            (
                "DNSKEY_SMALLER_THAN_REC",
                {
                    "algo_num": 10,
                    "algo_descr": "RSA/SHA-512",
                    "keytag": 18487,
                    "keysize": 512,
                    "keysizemin": 1024,
                    "keysizemax": 4096,
                    "keysizerec": 2048,
                },
            ),
            (
                "DNSKEY_RSA_EXPONENT_LARGE",
                {"algo_num": 7, "algo_descr": "RSASHA1-NSEC3-SHA1", "keytag": 2186, "exponent_bits": 32},
            ),
        ],
    ),
    "good RSA key": (
        with_fault(secure(), only_key(rsa_rdata(65537, (1 << 2047) + 1)), qtype="DNSKEY"),
        [("KEY_SIZE_OK", {})],
    ),
    "no answer, and no keys": (
        with_fault(
            with_fault(secure(), faults.silence(), A1, qtype="DNSKEY"), faults.empty_answer(), A2, qtype="DNSKEY"
        ),
        [("NO_RESPONSE", S1), ("NO_RESPONSE_DNSKEY", S2)],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec14(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec14", **(options[0] if options else {})) == expected
