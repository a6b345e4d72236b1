"""DELEGATION04: authority over UDP and TCP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, A2, NS1, NS2, S1, S1_V6, S2, V6, Found, example_world, findings
from tests.support.dnsworld import World, faults

ALL = ("ARE_AUTHORITATIVE", {"servers": [{"ns": NS1}, {"ns": NS2}]})


def without_authority(transport: str | None) -> Callable[[], World]:
    def build() -> World:
        world = example_world()
        world.server(A2).fault(faults.no_aa(), qtype="SOA", transport=transport)
        return world

    return build


def closed(*addresses: str) -> World:
    world = example_world()
    for address in addresses:
        world.server(address).set(udp=False, tcp=False)
    return world


def not_authoritative(proto: str) -> Found:
    return ("IS_NOT_AUTHORITATIVE", {**S2, "proto": proto})


SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "all": (example_world, [ALL]),
    "not over UDP": (without_authority("udp"), [not_authoritative("UDP")]),
    "not over TCP": (without_authority("tcp"), [not_authoritative("TCP")]),
    "not at all": (without_authority(None), [not_authoritative("UDP"), not_authoritative("TCP")]),
    "one dead server": (lambda: closed(A2), [("ARE_AUTHORITATIVE", {"servers": [{"ns": NS1}]})]),
    "nobody answers": (lambda: closed(A1, A2), []),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_delegation04(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "delegation04") == expected


def test_families() -> None:
    good = ("ARE_AUTHORITATIVE", {"servers": [{"ns": NS1}]})
    supplied = {NS1: (A1, V6)}
    world = example_world(ns={NS1: [A1, V6]})
    assert findings(world, "delegation04", ipv6=False) == [("IPV6_DISABLED", {**S1_V6, "query_type": "SOA"}), good]
    world = example_world(ns={NS1: [A1, V6]})
    off = ("IPV4_DISABLED", {**S1, "query_type": "SOA"})
    assert findings(world, "delegation04", supplied=supplied, ipv4=False) == [off, good]
