"""DNSSEC05: algorithms of keys."""

from __future__ import annotations

from typing import Any

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
OK = "DS05_ALGO_RECOMMENDED"
OLDER: dict[str, Any] = {"zonemaster_tags": "2025.2"}
ACCEPTABLE = {  # number: key tag, mnemonic, description, tag with 2026.1
    8: (17974, "RSASHA256", "RSA/SHA-256", "DS05_ALGO_RECOMMENDED"),
    13: (17979, "ECDSAP256SHA256", "ECDSA Curve P-256 with SHA-256", "DS05_ALGO_RECOMMENDED"),
    14: (17980, "ECDSAP384SHA384", "ECDSA Curve P-384 with SHA-384", "DS05_ALGO_MAY"),
    15: (17981, "ED25519", "Ed25519", "DS05_ALGO_RECOMMENDED"),
    16: (17982, "ED448", "Ed448", "DS05_ALGO_MAY"),
    17: (17983, "SM2SM3", "SM2 signing with SM3 hashing", "DS05_ALGO_MAY"),
    18: (17984, "ML-DSA-44", "ML-DSA-44", "DS05_ALGO_MAY"),
    23: (17989, "ECC-GOST12", "GOST R 34.10-2012", "DS05_ALGO_MAY"),
}
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
                OK,
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
                OK,
                {
                    "keytag": 3787,
                    "algo_num": 13,
                    "algo_descr": "ECDSA Curve P-256 with SHA-256",
                    "algo_mnemo": "ECDSAP256SHA256",
                    "servers": [S2],
                },
            ),
            (
                OK,
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


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec05_of_2025(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    older = [("DS05_ALGO_OK" if tag == OK else tag, args) for tag, args in expected]
    assert findings(world, "dnssec05", **(options[0] if options else {}), **OLDER) == older


@pytest.mark.parametrize("number", ACCEPTABLE)
def test_acceptable_algorithm_is_recommended_or_permitted(number: int) -> None:
    key = only_key(rsa_rdata(3, STRONG_MODULUS, algorithm=number))
    world = with_fault(secure(), key, A1, A2, qtype="DNSKEY")
    key_tag, mnemonic, description, tag = ACCEPTABLE[number]
    args = {"keytag": key_tag, "algo_num": number, "algo_descr": description, "algo_mnemo": mnemonic, "servers": BOTH}
    assert findings(world, "dnssec05") == [(tag, args)]
    assert findings(world, "dnssec05", **OLDER) == [("DS05_ALGO_OK", args)]
