"""CONSISTENCY04: the NS set of the zone on all servers."""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import pytest

from tests.support.case_runs import A1, A2, NS1, NS2, S1, S1_V6, S2, V6, Found, example_world, findings
from tests.support.dnsworld import World, faults

BOTH_NAMES = [{"ns": NS1}, {"ns": NS2}]


def second_has(**changes: object) -> World:
    world = example_world()
    world.zones[dns.name.from_text("example.xa")].on(A2, **changes)
    return world


def without_authority() -> World:
    world = example_world()
    world.server(A2).fault(faults.no_aa(), qtype="NS")
    return world


def dead_and_empty() -> World:
    world = example_world()
    world.server(A1).set(udp=False, tcp=False)
    world.server(A2).fault(faults.empty_answer(), qtype="NS")
    return world


ONE = ("ONE_NS_SET", {"servers": BOTH_NAMES})

SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "one set": (example_world, [ONE]),
    "two sets": (
        lambda: second_has(apex_ns=[NS1]),
        [
            ("MULTIPLE_NS_SET", {"count": 2}),
            ("NS_SET", {"ns_set_servers": [{"ns": NS1}], "servers": [S2]}),
            ("NS_SET", {"ns_set_servers": BOTH_NAMES, "servers": [S1]}),
        ],
    ),
    "two TTLs": (
        lambda: second_has(ttl=60),
        [ONE, ("INCONSISTENT_NS_TTL", {"count": 2, "ttl_min": 60, "ttl_max": 3600})],
    ),
    "no authority": (without_authority, [("NO_RESPONSE_NS_QUERY", S2), ONE]),
    "no response and no records": (dead_and_empty, [("NO_RESPONSE", S1), ("NO_RESPONSE_NS_QUERY", S2)]),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_consistency04(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "consistency04") == expected


def test_families() -> None:
    supplied = {NS1: (A1, V6)}
    one = ("ONE_NS_SET", {"servers": [{"ns": NS1}]})
    world = example_world(ns={NS1: [A1, V6]})
    assert findings(world, "consistency04", ipv6=False) == [("IPV6_DISABLED", {**S1_V6, "query_type": "NS"}), one]
    world = example_world(ns={NS1: [A1, V6]})
    off = ("IPV4_DISABLED", {**S1, "query_type": "NS"})
    assert findings(world, "consistency04", supplied=supplied, ipv4=False) == [off, one]
