"""DNSSEC16: CDS records and their keys."""

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
    """Publish CDS records for keys that are described, beside a zone signing key."""
    return secure(Signing(keys=(*keys, KeySpec("zsk", flags=256)), publish_cds=True))


SCENARIOS: dict[str, Scenario] = {
    "none": (secure(), []),
    "good": (secure(PUBLISHED), []),
    "request to delete": (secure(records="@ CDS 0 0 0 00"), [("DS16_DELETE_CDS", {"addresses": ADDRESSES})]),
    "request to delete among others": (
        secure(PUBLISHED, records="@ CDS 0 0 0 00"),
        [("DS16_MIXED_DELETE_CDS", {"addresses": ADDRESSES})],
    ),
    "without keys": (
        with_fault(secure(PUBLISHED), faults.empty_answer(), A1, qtype="DNSKEY"),
        [("DS16_CDS_WITHOUT_DNSKEY", {"addresses": [A1]})],
    ),
    "for no key": (
        secure(PUBLISHED, records=f"@ CDS 1 13 2 {'ab' * 32}"),
        [("DS16_CDS_MATCHES_NO_DNSKEY", {"keytag": 1, "addresses": ADDRESSES})],
    ),
    "for a key without zone flag": (
        naming(KeySpec("odd", flags=1, signs=("DNSKEY", "CDS"))),
        [("DS16_CDS_MATCHES_NON_ZONE_DNSKEY", {"keytag": 4254, "addresses": ADDRESSES})],
    ),
    "for a key without SEP flag": (
        naming(KeySpec("odd", flags=256, in_ds=True, signs=("DNSKEY", "CDS"))),
        [("DS16_CDS_MATCHES_NON_SEP_DNSKEY", {"keytag": 4509, "addresses": ADDRESSES})],
    ),
    "for a key that does not sign": (
        naming(KeySpec("ksk", in_ds=False), KeySpec("idle", flags=257, signs=(), in_ds=True)),
        [
            ("DS16_DNSKEY_NOT_SIGNED_BY_CDS", {"keytag": 32095, "addresses": ADDRESSES}),
            ("DS16_CDS_NOT_SIGNED_BY_CDS", {"keytag": 32095, "addresses": ADDRESSES}),
        ],
    ),
    "does not verify": (
        secure(Signing(publish_cds=True, bogus_types=("CDS",))),
        [("DS16_CDS_INVALID_RRSIG", {"keytag": 3787, "addresses": ADDRESSES})],
    ),
    "not signed": (
        secure(Signing(publish_cds=True, unsigned_types=("CDS",))),
        [
            ("DS16_CDS_NOT_SIGNED_BY_CDS", {"keytag": 3787, "addresses": ADDRESSES}),
            ("DS16_CDS_UNSIGNED", {"addresses": ADDRESSES}),
        ],
    ),
    "signed by another key": (
        with_fault(secure(PUBLISHED), signatures("RRSIG/CDS", key_tag=1), A1, qtype="CDS"),
        [
            ("DS16_CDS_NOT_SIGNED_BY_CDS", {"keytag": 3787, "addresses": [A1]}),
            ("DS16_CDS_SIGNED_BY_UNKNOWN_DNSKEY", {"keytag": 1, "addresses": [A1]}),
        ],
    ),
    "without authority": (with_fault(secure(PUBLISHED), faults.no_aa(), qtype="CDS"), []),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec16(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec16", **(options[0] if options else {})) == expected
