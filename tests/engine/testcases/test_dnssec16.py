"""DNSSEC16: CDS records and their keys."""

from __future__ import annotations

import pytest

from tests.engine.testcases.child_signals import naming, scenarios
from tests.support.case_runs import Scenario, findings
from tests.support.dnssec_worlds import ADDRESSES
from tests.support.dnsworld import KeySpec

IDLE = KeySpec("ksk", in_ds=False), KeySpec("idle", flags=257, signs=(), in_ds=True)
SCENARIOS: dict[str, Scenario] = {
    **scenarios("DS16", "CDS", deletion="0 0 0 00", stray=f"1 13 2 {'ab' * 32}", stray_tag=1, idle=IDLE),
    "for a key without zone flag": (
        naming(KeySpec("odd", flags=1, signs=("DNSKEY", "CDS"))),
        [("DS16_CDS_MATCHES_NON_ZONE_DNSKEY", {"keytag": 4254, "addresses": ADDRESSES})],
    ),
    "for a key without SEP flag": (
        naming(KeySpec("odd", flags=256, in_ds=True, signs=("DNSKEY", "CDS"))),
        [("DS16_CDS_MATCHES_NON_SEP_DNSKEY", {"keytag": 4509, "addresses": ADDRESSES})],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec16(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec16", **(options[0] if options else {})) == expected
