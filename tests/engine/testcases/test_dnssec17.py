"""DNSSEC17: CDNSKEY records and their keys."""

from __future__ import annotations

import pytest

from tests.engine.testcases.child_signals import PUBLISHED, scenarios
from tests.support.case_runs import Scenario, findings
from tests.support.dnssec_worlds import ADDRESSES, secure
from tests.support.dnsworld import KeySpec

POINT = f"{'A' * 86}=="
IDLE = KeySpec("ksk"), KeySpec("idle", signs=())
SCENARIOS: dict[str, Scenario] = {
    **scenarios("DS17", "CDNSKEY", deletion="0 3 0 AA==", stray=f"257 3 13 {POINT}", stray_tag=1038, idle=IDLE),
    "without zone flag": (
        secure(PUBLISHED, records=f"@ CDNSKEY 1 3 13 {POINT}"),
        [("DS17_CDNSKEY_IS_NON_ZONE", {"keytag": 782, "addresses": ADDRESSES})],
    ),
    "without SEP flag": (
        secure(PUBLISHED, records=f"@ CDNSKEY 256 3 13 {POINT}"),
        [
            ("DS17_CDNSKEY_MATCHES_NO_DNSKEY", {"keytag": 1037, "addresses": ADDRESSES}),
            ("DS17_CDNSKEY_IS_NON_SEP", {"keytag": 1037, "addresses": ADDRESSES}),
        ],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec17(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec17", **(options[0] if options else {})) == expected
