"""DNSSEC18: CDS and CDNSKEY records, and the DS records."""

from __future__ import annotations

import pytest

from gonemaster_engine.context import DSInfo
from tests.support.case_runs import A1, A2, NS1, Scenario, findings
from tests.support.dnssec_worlds import (
    ADDRESSES,
    ds_text,
    secure,
    signatures,
    tags,
    with_fault,
)
from tests.support.dnsworld import KeySpec, Signing, delegation, faults

TWO = (KeySpec("ksk"), KeySpec("next", in_ds=False), KeySpec("zsk", flags=256))
PUBLISHED = Signing(publish_cds=True)
D32 = "ab" * 32
DS_DATA = {"supplied": {NS1: (A1,)}, "ds": (DSInfo(4711, 13, 2, D32),)}
SCENARIOS: dict[str, Scenario] = {
    "neither type": (secure(), []),
    "no DS record": (secure(PUBLISHED, delegation=delegation(ds=False)), []),
    "good": (
        secure(PUBLISHED),
        [
            ("DS18_MATCH_CDS_RRSIG_DS", {"addresses": ADDRESSES}),
            ("DS18_MATCH_CDNSKEY_RRSIG_DS", {"addresses": ADDRESSES}),
            ("DS18_CDS_MATCHES_DS", {"cds_keytags": [3787], "ds_keytags": [3787]}),
            ("DS18_CDNSKEY_MATCHES_DS", {"cdnskey_keytags": [3787], "ds_keytags": [3787]}),
        ],
    ),
    "signed by keys without DS record": (
        with_fault(secure(PUBLISHED), signatures("RRSIG", key_tag=1), A1, qtype=["CDS", "CDNSKEY"]),
        [
            ("DS18_MATCH_CDS_RRSIG_DS", {"addresses": [A2]}),
            ("DS18_NO_MATCH_CDS_RRSIG_DS", {"addresses": [A1]}),
            ("DS18_MATCH_CDNSKEY_RRSIG_DS", {"addresses": [A2]}),
            ("DS18_NO_MATCH_CDNSKEY_RRSIG_DS", {"addresses": [A1]}),
            ("DS18_CDS_MATCHES_DS", {"cds_keytags": [3787], "ds_keytags": [3787]}),
            ("DS18_CDNSKEY_MATCHES_DS", {"cdnskey_keytags": [3787], "ds_keytags": [3787]}),
        ],
    ),
    "another key is asked for": (
        secure(PUBLISHED, records=f"@ CDS 1 13 2 {D32}\n@ CDNSKEY 257 3 13 {'A' * 86}=="),
        [
            ("DS18_MATCH_CDS_RRSIG_DS", {"addresses": ADDRESSES}),
            ("DS18_MATCH_CDNSKEY_RRSIG_DS", {"addresses": ADDRESSES}),
            ("DS18_CDS_ROLLOVER_SIGNALED", {"cds_keytags": [1, 3787], "ds_keytags": [3787]}),
            ("DS18_CDNSKEY_ROLLOVER_SIGNALED", {"cdnskey_keytags": [1038, 3787], "ds_keytags": [3787]}),
        ],
    ),
    "second key in CDNSKEY only": (
        secure(Signing(keys=TWO, publish_cds=True)),
        [
            ("DS18_MATCH_CDS_RRSIG_DS", {"addresses": ADDRESSES}),
            ("DS18_MATCH_CDNSKEY_RRSIG_DS", {"addresses": ADDRESSES}),
            ("DS18_CDS_MATCHES_DS", {"cds_keytags": [3787], "ds_keytags": [3787]}),
            ("DS18_CDNSKEY_ROLLOVER_SIGNALED", {"cdnskey_keytags": [3787, 8156], "ds_keytags": [3787]}),
            ("DS18_ROLLOVER_EVIDENCE_MULTI_KSK", {"keytags": [3787, 8156]}),
            ("DS18_ROLLOVER_EVIDENCE_DOUBLE_SIG", {"keytags": [3787, 8156]}),
            ("DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS", {"keytags": [8156]}),
        ],
    ),
    "request to delete is no rollover": (
        secure(records="@ CDS 0 0 0 00\n@ CDNSKEY 0 3 0 AA=="),
        [
            ("DS18_MATCH_CDS_RRSIG_DS", {"addresses": ADDRESSES}),
            ("DS18_MATCH_CDNSKEY_RRSIG_DS", {"addresses": ADDRESSES}),
        ],
    ),
    "second key without CDS": (
        secure(Signing(keys=TWO)),
        [
            ("DS18_ROLLOVER_EVIDENCE_MULTI_KSK", {"keytags": [3787, 8156]}),
            ("DS18_ROLLOVER_EVIDENCE_DOUBLE_SIG", {"keytags": [3787, 8156]}),
            ("DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS", {"keytags": [8156]}),
            ("DS18_NO_CDS_CDNSKEY_BUT_ROLLOVER_EVIDENCE", {}),
        ],
    ),
    "DS record without key": (
        secure(delegation=delegation(ds=(f"1 13 2 {D32}",))),
        [
            ("DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS", {"keytags": [3787]}),
            ("DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY", {"keytags": [1]}),
            ("DS18_NO_CDS_CDNSKEY_BUT_ROLLOVER_EVIDENCE", {}),
        ],
    ),
    "DS digest that cannot be computed": (secure(delegation=delegation(ds=(ds_text(tags()[0], 13, 3, D32),))), []),
    "supplied DS data": (
        secure(),
        [
            ("DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS", {"keytags": [3787]}),
            ("DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY", {"keytags": [4711]}),
            ("DS18_NO_CDS_CDNSKEY_BUT_ROLLOVER_EVIDENCE", {}),
        ],
        DS_DATA,
    ),
    "no keys": (with_fault(secure(PUBLISHED), faults.empty_answer(), qtype="DNSKEY"), []),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec18(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec18", **(options[0] if options else {})) == expected
