"""DNSSEC01: digest types and key algorithms of DS records."""

from __future__ import annotations

import pytest

from gonemaster_engine.context import DSInfo
from tests.support.case_runs import A1, NS1, Scenario, findings
from tests.support.dnssec_worlds import (
    P1,
    P2,
    PARENT1,
    PARENT2,
    PARENTS,
    ZONE,
    ds_text,
    secure,
    with_fault,
)
from tests.support.dnsworld import delegation, faults

D32, D20 = "ab" * 32, "ab" * 20
KINDS = tuple(
    ds_text(tag, algorithm, digest_type, D20)
    for tag, algorithm, digest_type in (
        (1, 13, 0),
        (2, 1, 1),
        (3, 13, 2),
        (4, 4, 7),
        (5, 10, 128),
        (6, 253, 253),
        (7, 19, 2),
        (8, 2, 2),
    )
)
SUPPLIED = (DSInfo(4711, 13, 2, D32),)
SCENARIOS: dict[str, Scenario] = {
    "every kind of digest type and algorithm": (
        secure(delegation=delegation(ds=KINDS)),
        [
            ("DS01_DS_ALGO_DEPRECATED", {"keytag": 2, "ds_algo_num": 1, "ds_algo_descr": "SHA-1", "servers": PARENTS}),
            (
                "DS01_DS_ALGO_RESERVED",
                {"keytag": 5, "ds_algo_num": 128, "ds_algo_descr": "Reserved", "servers": PARENTS},
            ),
            (
                "DS01_DS_ALGO_UNASSIGNED",
                {"keytag": 4, "ds_algo_num": 7, "ds_algo_descr": "Unassigned", "servers": PARENTS},
            ),
            (
                "DS01_DS_ALGO_PRIVATE",
                {"keytag": 6, "ds_algo_num": 253, "ds_algo_descr": "Reserved for Private Use", "servers": PARENTS},
            ),
            ("DS01_DS_ALGO_NOT_DS", {"keytag": 1, "ds_algo_num": 0, "ds_algo_descr": "Reserved", "servers": PARENTS}),
            ("DS01_DS_ALGO_OK", {"keytag": 3, "ds_algo_num": 2, "ds_algo_descr": "SHA-256", "servers": PARENTS}),
            ("DS01_DS_ALGO_OK", {"keytag": 7, "ds_algo_num": 2, "ds_algo_descr": "SHA-256", "servers": PARENTS}),
            ("DS01_DS_ALGO_OK", {"keytag": 8, "ds_algo_num": 2, "ds_algo_descr": "SHA-256", "servers": PARENTS}),
            (
                "DS01_KEY_ALGO_DEPRECATED",
                {"keytag": 2, "ds_key_algo_num": 1, "ds_key_algo_descr": "RSA/MD5", "servers": PARENTS},
            ),
            (
                "DS01_KEY_ALGO_RESERVED",
                {"keytag": 4, "ds_key_algo_num": 4, "ds_key_algo_descr": "Reserved", "servers": PARENTS},
            ),
            (
                "DS01_KEY_ALGO_UNASSIGNED",
                {"keytag": 7, "ds_key_algo_num": 19, "ds_key_algo_descr": "Unassigned", "servers": PARENTS},
            ),
            (
                "DS01_KEY_ALGO_NOT_RECOMMENDED",
                {"keytag": 5, "ds_key_algo_num": 10, "ds_key_algo_descr": "RSA/SHA-512", "servers": PARENTS},
            ),
            (
                "DS01_KEY_ALGO_PRIVATE",
                {"keytag": 6, "ds_key_algo_num": 253, "ds_key_algo_descr": "private algorithm", "servers": PARENTS},
            ),
            (
                "DS01_KEY_ALGO_NOT_ZONE_SIGN",
                {"keytag": 8, "ds_key_algo_num": 2, "ds_key_algo_descr": "Diffie-Hellman", "servers": PARENTS},
            ),
            (
                "DS01_KEY_ALGO_OK",
                {
                    "keytag": 1,
                    "ds_key_algo_num": 13,
                    "ds_key_algo_descr": "ECDSA Curve P-256 with SHA-256",
                    "servers": PARENTS,
                },
            ),
            (
                "DS01_KEY_ALGO_OK",
                {
                    "keytag": 3,
                    "ds_key_algo_num": 13,
                    "ds_key_algo_descr": "ECDSA Curve P-256 with SHA-256",
                    "servers": PARENTS,
                },
            ),
            ("DS01_DS_ALGO_2_MISSING", {"keytag": 1, "servers": PARENTS}),
            ("DS01_DS_ALGO_2_MISSING", {"keytag": 2, "servers": PARENTS}),
            ("DS01_DS_ALGO_2_MISSING", {"keytag": 4, "servers": PARENTS}),
            ("DS01_DS_ALGO_2_MISSING", {"keytag": 5, "servers": PARENTS}),
            ("DS01_DS_ALGO_2_MISSING", {"keytag": 6, "servers": PARENTS}),
        ],
    ),
    "no DS record": (secure(False), [("DS01_PARENT_ZONE_NO_DS", {"servers": PARENTS})]),
    "a server of the parent without DS record": (
        with_fault(
            secure(delegation=delegation(ds=(f"3 13 2 {D32}",))), faults.empty_answer(), P1, qname=ZONE, qtype="DS"
        ),
        [
            ("DS01_DS_ALGO_OK", {"keytag": 3, "ds_algo_num": 2, "ds_algo_descr": "SHA-256", "servers": [PARENT2]}),
            (
                "DS01_KEY_ALGO_OK",
                {
                    "keytag": 3,
                    "ds_key_algo_num": 13,
                    "ds_key_algo_descr": "ECDSA Curve P-256 with SHA-256",
                    "servers": [PARENT2],
                },
            ),
            ("DS01_PARENT_SERVER_NO_DS", {"servers": [PARENT1]}),
        ],
    ),
    "no usable answer": (
        with_fault(
            with_fault(secure(), faults.rcode("REFUSED"), P1, qtype="DS"), faults.without_edns(), P2, qtype="DS"
        ),
        [("DS01_NO_RESPONSE", {"servers": PARENTS})],
    ),
    "the root": (secure(), [("DS01_ROOT_N_NO_UNDEL_DS", {})], {"zone": "."}),
    "supplied name servers": (secure(), [("DS01_UNDEL_N_NO_UNDEL_DS", {})], {"supplied": {NS1: (A1,)}}),
    "supplied DS data": (
        secure(),
        [
            ("DS01_DS_ALGO_OK", {"keytag": 4711, "ds_algo_num": 2, "ds_algo_descr": "SHA-256", "servers": ["-"]}),
            (
                "DS01_KEY_ALGO_OK",
                {
                    "keytag": 4711,
                    "ds_key_algo_num": 13,
                    "ds_key_algo_descr": "ECDSA Curve P-256 with SHA-256",
                    "servers": ["-"],
                },
            ),
        ],
        {"supplied": {NS1: (A1,)}, "ds": SUPPLIED},
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec01(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec01", **(options[0] if options else {})) == expected
