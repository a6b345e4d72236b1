"""DELEGATION06: the SOA record on all servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.case_runs import A1, A2, NS1, S1, S1_V6, S2, V6, Found, example_world, findings
from tests.support.dnsworld import World, faults

EXISTS: Found = ("SOA_EXISTS", {})


def second_answers(fault: faults.Fault) -> World:
    world = example_world()
    world.server(A2).fault(fault, qtype="SOA")
    return world


SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "on all": (example_world, {}, [EXISTS]),
    "not on one": (lambda: second_answers(faults.empty_answer()), {}, [("SOA_NOT_EXISTS", S2)]),
    "another record on one": (
        lambda: second_answers(faults.answers(answer="example.xa. 60 IN TXT text")),
        {},
        [("SOA_NOT_EXISTS", S2)],
    ),
    "one refuses": (lambda: second_answers(faults.rcode("REFUSED")), {}, [EXISTS]),
    "nothing to ask": (example_world, {"zone": "gone.xa"}, []),
    "IPv6 off": (
        lambda: example_world(ns={NS1: [A1, V6]}),
        {"ipv6": False},
        [("IPV6_DISABLED", {**S1_V6, "query_type": "SOA"}), EXISTS],
    ),
    "IPv4 off": (
        lambda: example_world(ns={NS1: [A1, V6]}),
        {"ipv4": False, "supplied": {NS1: (A1, V6)}},
        [("IPV4_DISABLED", {**S1, "query_type": "SOA"}), EXISTS],
    ),
}


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_delegation06(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert findings(build(), "delegation06", **options) == expected
