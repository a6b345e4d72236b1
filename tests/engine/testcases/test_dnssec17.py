"""DNSSEC17: CDNSKEY records and their keys."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, Scenario, findings
from tests.support.dnssec_worlds import (
    ADDRESSES,
    secure,
    signatures,
    with_fault,
)
from tests.support.dnsworld import KeySpec, Signing, World, faults

KEYS = (KeySpec("ksk"), KeySpec("zsk", flags=256))
PUBLISHED = Signing(publish_cds=True)


def naming(*keys: KeySpec) -> World:
    """Publish CDNSKEY records for keys that are described, beside a zone signing key."""
    return secure(Signing(keys=(*keys, KeySpec("zsk", flags=256)), publish_cds=True))


SCENARIOS: dict[str, Scenario] = {
    "none": (secure(), []),
    "good": (secure(PUBLISHED), []),
    "request to delete": (secure(records="@ CDNSKEY 0 3 0 AA=="), [("DS17_DELETE_CDNSKEY", {"addresses": ADDRESSES})]),
    "request to delete among others": (
        secure(PUBLISHED, records="@ CDNSKEY 0 3 0 AA=="),
        [("DS17_MIXED_DELETE_CDNSKEY", {"addresses": ADDRESSES})],
    ),
    "without keys": (
        with_fault(secure(PUBLISHED), faults.empty_answer(), A1, qtype="DNSKEY"),
        [("DS17_CDNSKEY_WITHOUT_DNSKEY", {"addresses": [A1]})],
    ),
    "for no key": (
        secure(PUBLISHED, records=f"@ CDNSKEY 257 3 13 {'A' * 86}=="),
        [("DS17_CDNSKEY_MATCHES_NO_DNSKEY", {"keytag": 1038, "addresses": ADDRESSES})],
    ),
    "without zone flag": (
        secure(PUBLISHED, records=f"@ CDNSKEY 1 3 13 {'A' * 86}=="),
        [("DS17_CDNSKEY_IS_NON_ZONE", {"keytag": 782, "addresses": ADDRESSES})],
    ),
    "without SEP flag": (
        secure(PUBLISHED, records=f"@ CDNSKEY 256 3 13 {'A' * 86}=="),
        [
            ("DS17_CDNSKEY_MATCHES_NO_DNSKEY", {"keytag": 1037, "addresses": ADDRESSES}),
            ("DS17_CDNSKEY_IS_NON_SEP", {"keytag": 1037, "addresses": ADDRESSES}),
        ],
    ),
    "for a key that does not sign": (
        naming(KeySpec("ksk"), KeySpec("idle", signs=())),
        [
            ("DS17_DNSKEY_NOT_SIGNED_BY_CDNSKEY", {"keytag": 32095, "addresses": ADDRESSES}),
            ("DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY", {"keytag": 32095, "addresses": ADDRESSES}),
        ],
    ),
    "does not verify": (
        secure(Signing(publish_cds=True, bogus_types=("CDNSKEY",))),
        [("DS17_CDNSKEY_INVALID_RRSIG", {"keytag": 3787, "addresses": ADDRESSES})],
    ),
    "not signed": (
        secure(Signing(publish_cds=True, unsigned_types=("CDNSKEY",))),
        [
            ("DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY", {"keytag": 3787, "addresses": ADDRESSES}),
            ("DS17_CDNSKEY_UNSIGNED", {"addresses": ADDRESSES}),
        ],
    ),
    "signed by another key": (
        with_fault(secure(PUBLISHED), signatures("RRSIG/CDNSKEY", key_tag=1), A1, qtype="CDNSKEY"),
        [
            ("DS17_CDNSKEY_NOT_SIGNED_BY_CDNSKEY", {"keytag": 3787, "addresses": [A1]}),
            ("DS17_CDNSKEY_SIGNED_BY_UNKNOWN_DNSKEY", {"keytag": 1, "addresses": [A1]}),
        ],
    ),
    "without authority": (with_fault(secure(PUBLISHED), faults.no_aa(), qtype="CDNSKEY"), []),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec17(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec17", **(options[0] if options else {})) == expected
