"""DNSSEC09: signatures over the SOA set."""

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
    "good": (secure(), [("DS09_SOA_RRSIG_VALID", {"addresses": ADDRESSES})]),
    "not signed": (secure(False), []),
    "not yet valid": (secure(LATER), [("DS09_SOA_RRSIG_NOT_YET_VALID", {"keytag": 46291, "addresses": ADDRESSES})]),
    "expired": (secure(Signing.expired()), [("DS09_SOA_RRSIG_EXPIRED", {"keytag": 46291, "addresses": ADDRESSES})]),
    "without signature on one server": (
        with_fault(secure(), without("RRSIG/SOA"), A1, qtype="SOA"),
        [("DS09_MISSING_RRSIG_IN_RESPONSE", {"addresses": [A1]}), ("DS09_SOA_RRSIG_VALID", {"addresses": [A2]})],
    ),
    "made by another key on one server": (
        with_fault(secure(), signatures("RRSIG/SOA", key_tag=1), A1, qtype="SOA"),
        [("DS09_NO_MATCHING_DNSKEY", {"keytag": 1, "addresses": [A1]}), ("DS09_SOA_RRSIG_VALID", {"addresses": [A2]})],
    ),
    "does not verify": (
        secure(Signing(bogus_types=("SOA",))),
        [("DS09_RRSIG_NOT_VALID_BY_DNSKEY", {"keytag": 46291, "addresses": ADDRESSES})],
    ),
    "in the name of another zone": (
        with_fault(secure(), signatures("RRSIG/SOA", signer=dns.name.from_text("xa")), A1, qtype="SOA"),
        [
            ("DS09_RRSIG_NOT_VALID_BY_DNSKEY", {"keytag": 46291, "addresses": [A1]}),
            ("DS09_SOA_RRSIG_VALID", {"addresses": [A2]}),
        ],
    ),
    "algorithm that is not known": (
        secure(Signing(shown_algorithm=17)),
        [
            (
                "DS09_ALGO_NOT_SUPPORTED_BY_ZM",
                {"keytag": 46295, "algo_num": 17, "algo_mnemo": "SM2SM3", "addresses": ADDRESSES},
            )
        ],
    ),
    "large exponent": (
        with_fault(secure(), only_key(BIG), qtype=["DNSKEY", "SOA"]),
        [("DS09_RSA_EXPONENT_UNSUPPORTED", {"keytag": 20033, "addresses": ADDRESSES})],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec09(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec09", **(options[0] if options else {})) == expected
