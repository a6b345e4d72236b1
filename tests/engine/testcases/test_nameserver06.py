"""NAMESERVER06: name server names without addresses."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, NS1, Found, example_world, findings
from tests.support.dnsworld import World

SCENARIOS: dict[str, tuple[World, list[Found]]] = {
    "all": (example_world(), [("CAN_BE_RESOLVED", {})]),
    "not all": (
        example_world(ns={NS1: A1}, apex_ns=[NS1, "z.missing.xa", "a.missing.xa"]),
        [("CAN_NOT_BE_RESOLVED", {"servers": [{"ns": "a.missing.xa"}, {"ns": "z.missing.xa"}]})],
    ),
    "none": (
        example_world(ns={"a.missing.xa": (), "b.missing.xa": ()}),
        [("NO_RESOLUTION", {"servers": [{"ns": "a.missing.xa"}, {"ns": "b.missing.xa"}]})],
    ),
}


@pytest.mark.parametrize(("world", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_nameserver06(world: World, expected: list[Found]) -> None:
    assert findings(world, "nameserver06") == expected
