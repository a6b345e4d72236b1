"""DNSSEC08: signatures over the DNSKEY set."""

from __future__ import annotations

import pytest

from tests.engine.testcases.key_signatures import scenarios
from tests.support.case_runs import findings

SCENARIOS = scenarios("DS08", "DNSKEY", key_tag=3787, unknown_key_tag=3791)


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec08(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec08", **(options[0] if options else {})) == expected
