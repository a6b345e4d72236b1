"""DELEGATION02: addresses that several names share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.case_runs import A1, A2, NS1, NS2, Found, example_world, findings
from tests.support.dnsworld import World, delegation

BOTH_NAMES = [{"ns": NS1}, {"ns": NS2}]


def shared_address(tag: str, address: str = A1) -> Found:
    return (tag, {"servers": BOTH_NAMES, "address": address})


DELEGATION_OK: Found = ("DEL_DISTINCT_NS_IP", {})
CHILD_OK: Found = ("CHILD_DISTINCT_NS_IP", {})
ALL_OK: Found = ("DISTINCT_IP_ADDRESS", {})

SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "distinct": (example_world, {}, [DELEGATION_OK, CHILD_OK, ALL_OK]),
    "shared": (
        lambda: example_world(ns={NS1: A1, NS2: A1}),
        {},
        [shared_address("DEL_NS_SAME_IP"), shared_address("CHILD_NS_SAME_IP"), shared_address("SAME_IP_ADDRESS")],
    ),
    "shared in the delegation": (
        lambda: example_world(delegation=delegation(ns={NS1: A1, NS2: A1})),
        {},
        [shared_address("DEL_NS_SAME_IP"), CHILD_OK, shared_address("SAME_IP_ADDRESS")],
    ),
    "shared in the zone": (
        lambda: example_world(ns={NS1: A1, NS2: A1}, delegation=delegation(ns={NS1: A1})),
        {},
        [DELEGATION_OK, shared_address("CHILD_NS_SAME_IP"), shared_address("SAME_IP_ADDRESS")],
    ),
    "shared between delegation and zone": (
        lambda: example_world(ns={NS1: A1}, delegation=delegation(ns={NS2: A1})),
        {},
        [DELEGATION_OK, CHILD_OK, shared_address("SAME_IP_ADDRESS")],
    ),
    "one name with two addresses": (
        lambda: example_world(ns={NS1: [A1, A2]}),
        {},
        [DELEGATION_OK, CHILD_OK, ALL_OK],
    ),
    "nothing to compare": (example_world, {"zone": "gone.xa"}, []),
}


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_delegation02(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert findings(build(), "delegation02", **options) == expected
