"""DNSSEC02: DS records and the matching keys."""

from __future__ import annotations

import pytest

from tests.support.case_runs import Scenario, findings
from tests.support.dnssec_worlds import (
    ADDRESSES,
    ds_of,
    only_key,
    secure,
    tags,
    with_fault,
)
from tests.support.dnsworld import KeySpec, Signing, delegation
from tests.support.weak_keys import (
    STRONG_MODULUS,
    rsa_rdata,
)

PLAIN = (KeySpec("ksk"), KeySpec("zsk", flags=256))
BIG = rsa_rdata(2**64 + 13, STRONG_MODULUS)
D32 = "ab" * 32
KSK, ZSK = tags()
SCENARIOS: dict[str, Scenario] = {
    "good": (secure(Signing(keys=PLAIN)), [("DS02_MATCH_DS_DNSKEY", {"keytag": 3787, "addresses": ADDRESSES})]),
    "no DS record": (secure(delegation=delegation(ds=False)), []),
    "DS records for no key, of another algorithm, with another digest": (
        secure(
            Signing(keys=PLAIN), delegation=delegation(ds=(f"1 13 2 {D32}", f"{KSK} 8 2 {D32}", f"{KSK} 13 2 {D32}"))
        ),
        [
            ("DS02_NO_DNSKEY_FOR_DS", {"keytag": 1, "addresses": ADDRESSES}),
            (
                "DS02_DS_ALGO_DNSKEY_MISMATCH",
                {
                    "keytag": 3787,
                    "ds_key_algo_num": 8,
                    "ds_key_algo_mnemo": "RSASHA256",
                    "algo_num": 13,
                    "algo_mnemo": "ECDSAP256SHA256",
                    "addresses": ADDRESSES,
                },
            ),
            ("DS02_NO_MATCH_DS_DNSKEY", {"keytag": 3787, "addresses": ADDRESSES}),
        ],
    ),
    "only a DS record for no key": (
        secure(Signing(keys=PLAIN), delegation=delegation(ds=(f"1 13 2 {D32}",))),
        [
            ("DS02_NO_DNSKEY_FOR_DS", {"keytag": 1, "addresses": ADDRESSES}),
            ("DS02_NO_VALID_DNSKEY_FOR_ANY_DS", {"addresses": ADDRESSES}),
        ],
    ),
    "key without zone flag": (
        secure(Signing(keys=(KeySpec("ksk", flags=1, signs=("DNSKEY",)), KeySpec("zsk", flags=256)))),
        [
            ("DS02_DNSKEY_NOT_FOR_ZONE_SIGNING", {"keytag": 3531, "addresses": ADDRESSES}),
            ("DS02_NO_VALID_DNSKEY_FOR_ANY_DS", {"addresses": ADDRESSES}),
        ],
    ),
    "key without SEP flag": (
        secure(Signing(keys=(KeySpec("ksk", flags=256, in_ds=True, signs=("DNSKEY",)), KeySpec("zsk", flags=256)))),
        [
            ("DS02_DNSKEY_NOT_SEP", {"keytag": 3786, "addresses": ADDRESSES}),
            ("DS02_MATCH_DS_DNSKEY", {"keytag": 3786, "addresses": ADDRESSES}),
        ],
    ),
    "key that does not sign": (
        secure(Signing(keys=(KeySpec("ksk", signs=()), KeySpec("zsk", flags=256, signs=("DNSKEY",))))),
        [
            ("DS02_NO_MATCHING_DNSKEY_RRSIG", {"keytag": 3787, "addresses": ADDRESSES}),
            ("DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS", {"addresses": ADDRESSES}),
        ],
    ),
    "signature that does not verify": (
        secure(Signing(keys=PLAIN, bogus_types=("DNSKEY",))),
        [
            ("DS02_NO_MATCHING_DNSKEY_RRSIG", {"keytag": 3787, "addresses": ADDRESSES}),
            ("DS02_RRSIG_NOT_VALID_BY_DNSKEY", {"keytag": 3787, "addresses": ADDRESSES}),
            ("DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS", {"addresses": ADDRESSES}),
        ],
    ),
    "algorithm that is not known": (
        secure(Signing(shown_algorithm=17)),
        [
            (
                "DS02_ALGO_NOT_SUPPORTED_BY_ZM",
                {"keytag": 3791, "algo_num": 17, "algo_mnemo": "SM2SM3", "addresses": ADDRESSES},
            )
        ],
    ),
    "large exponent": (
        with_fault(secure(delegation=delegation(ds=(ds_of(BIG),))), only_key(BIG), qtype="DNSKEY"),
        [("DS02_RSA_EXPONENT_UNSUPPORTED", {"keytag": 20033, "addresses": ADDRESSES})],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec02(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec02", **(options[0] if options else {})) == expected
