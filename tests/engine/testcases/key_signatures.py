"""The scenarios that DNSSEC08 and DNSSEC09 share: signatures over one RRset of the apex, made by one of its keys."""

from __future__ import annotations

import dns.name

from tests.support.case_runs import A1, A2, Scenario
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


def scenarios(case: str, rtype: str, *, key_tag: int, unknown_key_tag: int) -> dict[str, Scenario]:
    """Return the scenarios of a case about the RRset of that type, which the key with that tag signs. `unknown_key_tag`
    is the key's tag if it is published with an unknown algorithm number.
    """
    by_key = {"keytag": key_tag, "addresses": ADDRESSES}
    valid = f"{case}_{rtype}_RRSIG_VALID"
    return {
        "good": (secure(), [(valid, {"addresses": ADDRESSES})]),
        "not signed": (secure(False), []),
        "not yet valid": (
            secure(LATER),
            [(f"{case}_{rtype}_RRSIG_NOT_YET_VALID", by_key)],
        ),
        "expired": (
            secure(Signing.expired()),
            [(f"{case}_{rtype}_RRSIG_EXPIRED", by_key)],
        ),
        "without signature on one server": (
            with_fault(secure(), without(f"RRSIG/{rtype}"), A1, qtype=rtype),
            [(f"{case}_MISSING_RRSIG_IN_RESPONSE", {"addresses": [A1]}), (valid, {"addresses": [A2]})],
        ),
        "made by another key on one server": (
            with_fault(secure(), signatures(f"RRSIG/{rtype}", key_tag=1), A1, qtype=rtype),
            [
                (f"{case}_NO_MATCHING_DNSKEY", {"keytag": 1, "addresses": [A1]}),
                (valid, {"addresses": [A2]}),
            ],
        ),
        "does not verify": (
            secure(Signing(bogus_types=(rtype,))),
            [(f"{case}_RRSIG_NOT_VALID_BY_DNSKEY", by_key)],
        ),
        "in the name of another zone": (
            with_fault(secure(), signatures(f"RRSIG/{rtype}", signer=dns.name.from_text("xa")), A1, qtype=rtype),
            [
                (f"{case}_RRSIG_NOT_VALID_BY_DNSKEY", {"keytag": key_tag, "addresses": [A1]}),
                (valid, {"addresses": [A2]}),
            ],
        ),
        "algorithm that is not known": (
            secure(Signing(shown_algorithm=17)),
            [
                (
                    f"{case}_ALGO_NOT_SUPPORTED_BY_ZM",
                    {"keytag": unknown_key_tag, "algo_num": 17, "algo_mnemo": "SM2SM3", "addresses": ADDRESSES},
                )
            ],
        ),
        "large exponent": (
            with_fault(secure(), only_key(BIG), qtype=["DNSKEY", rtype]),
            [(f"{case}_RSA_EXPONENT_UNSUPPORTED", {"keytag": 20033, "addresses": ADDRESSES})],
        ),
    }
