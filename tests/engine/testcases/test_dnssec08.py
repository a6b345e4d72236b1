"""DNSSEC08: signatures over the DNSKEY set."""

from __future__ import annotations

import dns.name
import pytest

from tests.support.case_runs import A1, A2, Scenario, findings
from tests.support.dnssec_worlds import (
    ADDRESSES,
    LATER,
    only_key,
    secure,
    signatures,
    with_fault,
    without,
)
from tests.support.dnsworld import Signing
from tests.support.weak_keys import (
    STRONG_MODULUS,
    rsa_rdata,
)

BIG = rsa_rdata(2**64 + 13, STRONG_MODULUS)
SCENARIOS: dict[str, Scenario] = {
    "good": (secure(), [("DS08_DNSKEY_RRSIG_VALID", {"addresses": ADDRESSES})]),
    "not signed": (secure(False), []),
    "not yet valid": (secure(LATER), [("DS08_DNSKEY_RRSIG_NOT_YET_VALID", {"keytag": 3787, "addresses": ADDRESSES})]),
    "expired": (secure(Signing.expired()), [("DS08_DNSKEY_RRSIG_EXPIRED", {"keytag": 3787, "addresses": ADDRESSES})]),
    "without signature on one server": (
        with_fault(secure(), without("RRSIG/DNSKEY"), A1, qtype="DNSKEY"),
        [("DS08_MISSING_RRSIG_IN_RESPONSE", {"addresses": [A1]}), ("DS08_DNSKEY_RRSIG_VALID", {"addresses": [A2]})],
    ),
    "made by another key on one server": (
        with_fault(secure(), signatures("RRSIG/DNSKEY", key_tag=1), A1, qtype="DNSKEY"),
        [
            ("DS08_NO_MATCHING_DNSKEY", {"keytag": 1, "addresses": [A1]}),
            ("DS08_DNSKEY_RRSIG_VALID", {"addresses": [A2]}),
        ],
    ),
    "does not verify": (
        secure(Signing(bogus_types=("DNSKEY",))),
        [("DS08_RRSIG_NOT_VALID_BY_DNSKEY", {"keytag": 3787, "addresses": ADDRESSES})],
    ),
    "in the name of another zone": (
        with_fault(secure(), signatures("RRSIG/DNSKEY", signer=dns.name.from_text("xa")), A1, qtype="DNSKEY"),
        [
            ("DS08_RRSIG_NOT_VALID_BY_DNSKEY", {"keytag": 3787, "addresses": [A1]}),
            ("DS08_DNSKEY_RRSIG_VALID", {"addresses": [A2]}),
        ],
    ),
    "algorithm that is not known": (
        secure(Signing(shown_algorithm=17)),
        [
            (
                "DS08_ALGO_NOT_SUPPORTED_BY_ZM",
                {"keytag": 3791, "algo_num": 17, "algo_mnemo": "SM2SM3", "addresses": ADDRESSES},
            )
        ],
    ),
    "large exponent": (
        with_fault(secure(), only_key(BIG), qtype=["DNSKEY", "DNSKEY"]),
        [("DS08_RSA_EXPONENT_UNSUPPORTED", {"keytag": 20033, "addresses": ADDRESSES})],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec08(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec08", **(options[0] if options else {})) == expected
