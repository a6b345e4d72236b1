"""BASIC03: an address for the website from a broken zone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, A2, NS1, S1, S1_V6, S2, V6, Found, example_world, findings
from tests.support.dnsworld import World, faults

WWW = {"domain": "www.example.xa"}


def with_www() -> World:
    return example_world(records="www A 192.0.2.1")


def one_server_knows() -> World:
    world = with_www()
    world.server(A2).fault(faults.rcode("REFUSED"))
    return world


def dead() -> World:
    world = with_www()
    for address in (A1, A2):
        world.server(address).set(udp=False, tcp=False)
    return world


def has_a(server: dict[str, str]) -> Found:
    return ("HAS_A_RECORDS", {**server, **WWW})


def no_a(server: dict[str, str]) -> Found:
    return ("NO_A_RECORDS", {**server, **WWW})


SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "address": (with_www, [has_a(S1), has_a(S2)]),
    "no address": (example_world, [no_a(S1), no_a(S2)]),
    "alias": (lambda: example_world(records="www CNAME web\nweb A 192.0.2.1"), [no_a(S1), no_a(S2)]),
    "one server knows it": (one_server_knows, [has_a(S1), no_a(S2)]),
    "no response": (dead, [("A_QUERY_NO_RESPONSES", {})]),
    "no servers": (lambda: example_world(ns={"ns.gone.xa": ()}), []),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_basic03(build: Callable[[], World], expected: list[Found]) -> None:
    assert [each for each in findings(build(), "basic03") if not each[0].startswith("IPV")] == expected


def test_families() -> None:
    world = example_world(ns={NS1: [A1, V6]}, records="www A 192.0.2.1")
    assert findings(world, "basic03", ipv6=False) == [
        ("IPV6_DISABLED", {**S1_V6, "query_type": "A"}),
        ("IPV4_ENABLED", {**S1, "query_type": "A"}),
        has_a(S1),
    ]


def test_ipv6_alone() -> None:
    world = example_world(ns={NS1: [A1, V6]}, records="www A 192.0.2.1")
    assert findings(world, "basic03", supplied={NS1: (A1, V6)}, ipv4=False) == [
        ("IPV4_DISABLED", {**S1, "query_type": "A"}),
        ("IPV6_ENABLED", {**S1_V6, "query_type": "A"}),
        has_a(S1_V6),
    ]
