"""DNSSEC05: algorithms of keys."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, A2, BOTH, S1, S2, Scenario, findings
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

NUMBERS = (13, 10, 5, 4, 19, 253, 2)
KEYS = only_key(*(rsa_rdata(3, STRONG_MODULUS, algorithm=number) for number in NUMBERS))
SCENARIOS: dict[str, Scenario] = {
    "every kind": (
        with_fault(secure(), KEYS, A1, A2, qtype="DNSKEY"),
        [
            (
                "DS05_ALGO_DEPRECATED",
                {"keytag": 17971, "algo_num": 5, "algo_descr": "RSA/SHA1", "algo_mnemo": "RSASHA1", "servers": BOTH},
            ),
            (
                "DS05_ALGO_RESERVED",
                {"keytag": 17970, "algo_num": 4, "algo_descr": "Reserved", "algo_mnemo": "RESERVED", "servers": BOTH},
            ),
            (
                "DS05_ALGO_UNASSIGNED",
                {
                    "keytag": 17985,
                    "algo_num": 19,
                    "algo_descr": "Unassigned",
                    "algo_mnemo": "UNASSIGNED",
                    "servers": BOTH,
                },
            ),
            (
                "DS05_ALGO_NOT_RECOMMENDED",
                {
                    "keytag": 17976,
                    "algo_num": 10,
                    "algo_descr": "RSA/SHA-512",
                    "algo_mnemo": "RSASHA512",
                    "servers": BOTH,
                },
            ),
            (
                "DS05_ALGO_PRIVATE",
                {
                    "keytag": 18219,
                    "algo_num": 253,
                    "algo_descr": "private algorithm",
                    "algo_mnemo": "PRIVATEDNS",
                    "servers": BOTH,
                },
            ),
            (
                "DS05_ALGO_NOT_ZONE_SIGN",
                {"keytag": 17968, "algo_num": 2, "algo_descr": "Diffie-Hellman", "algo_mnemo": "DH", "servers": BOTH},
            ),
            (
                "DS05_ALGO_OK",
                {
                    "keytag": 17979,
                    "algo_num": 13,
                    "algo_descr": "ECDSA Curve P-256 with SHA-256",
                    "algo_mnemo": "ECDSAP256SHA256",
                    "servers": BOTH,
                },
            ),
        ],
    ),
    "not signed": (secure(False), [("DS05_ZONE_NO_DNSSEC", {"servers": BOTH})]),
    "not signed on one server": (
        with_fault(secure(), faults.empty_answer(), A1, qtype="DNSKEY"),
        [
            (
                "DS05_ALGO_OK",
                {
                    "keytag": 3787,
                    "algo_num": 13,
                    "algo_descr": "ECDSA Curve P-256 with SHA-256",
                    "algo_mnemo": "ECDSAP256SHA256",
                    "servers": [S2],
                },
            ),
            (
                "DS05_ALGO_OK",
                {
                    "keytag": 46291,
                    "algo_num": 13,
                    "algo_descr": "ECDSA Curve P-256 with SHA-256",
                    "algo_mnemo": "ECDSAP256SHA256",
                    "servers": [S2],
                },
            ),
            ("DS05_SERVER_NO_DNSSEC", {"servers": [S1]}),
        ],
    ),
    "no usable answer": (
        with_fault(secure(), faults.rcode("REFUSED"), qtype="DNSKEY"),
        [("DS05_NO_RESPONSE", {"servers": BOTH})],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec05(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec05", **(options[0] if options else {})) == expected
