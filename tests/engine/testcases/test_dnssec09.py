"""DNSSEC09: signatures over the SOA set."""

from __future__ import annotations

import pytest

from tests.engine.testcases.key_signatures import scenarios
from tests.support.case_runs import findings

SCENARIOS = scenarios("DS09", "SOA", key_tag=46291, unknown_key_tag=46295)


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec09(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec09", **(options[0] if options else {})) == expected
