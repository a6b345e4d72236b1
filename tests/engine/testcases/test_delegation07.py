"""DELEGATION07: names in the delegation and in the zone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, A2, NS1, NS2, Found, example_world, findings
from tests.support.dnsworld import World, delegation

NS3 = "ns3.example.xa"
BOTH_NAMES = [{"ns": NS1}, {"ns": NS2}]

SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "the same": (example_world, [("NAMES_MATCH", {"servers": BOTH_NAMES})]),
    "more in the zone": (
        lambda: example_world(delegation=delegation(ns={NS1: A1})),
        [("EXTRA_NAME_CHILD", {"extra": NS2})],
    ),
    "more in the delegation": (
        lambda: example_world(apex_ns=[NS1]),
        [("EXTRA_NAME_PARENT", {"extra": NS2})],
    ),
    "other names": (
        lambda: example_world(ns={NS1: A1, NS2: A2}, delegation=delegation(ns={NS3: A1, "ns4.example.xa": A2})),
        [
            ("EXTRA_NAME_PARENT", {"extra": f"{NS3};ns4.example.xa"}),
            ("EXTRA_NAME_CHILD", {"extra": f"{NS1};{NS2}"}),
            ("TOTAL_NAME_MISMATCH", {"glue": f"{NS3};ns4.example.xa", "child": f"{NS1};{NS2}"}),
        ],
    ),
    "some in common": (
        lambda: example_world(delegation=delegation(ns={NS1: A1, NS3: A2})),
        [("EXTRA_NAME_PARENT", {"extra": NS3}), ("EXTRA_NAME_CHILD", {"extra": NS2})],
    ),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_delegation07(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "delegation07") == expected
