"""BASIC02: a working server, or the fault of each server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.case_runs import A1, A2, BOTH, NS1, NS2, S1, S1_V6, S2, V6, Found, example_world, findings
from tests.support.dnsworld import Fault, World, faults

NO_WORKING = ("B02_NO_WORKING_NS", {"domain": "example.xa"})


def working(*servers: dict[str, str]) -> Found:
    return ("B02_AUTH_RESPONSE_SOA", {"domain": "example.xa", "servers": list(servers)})


def both(*made: Fault) -> Callable[[], World]:
    def build() -> World:
        world = example_world()
        for address in (A1, A2):
            for fault in made:
                world.server(address).fault(fault, qtype="SOA")
        return world

    return build


def one_refuses() -> World:
    world = example_world()
    world.server(A2).fault(faults.rcode("REFUSED"))
    return world


def dead() -> World:
    world = example_world()
    for address in (A1, A2):
        world.server(address).set(udp=False, tcp=False)
    return world


def findings_of_both(tag: str, **args: str) -> list[Found]:
    return [NO_WORKING, *((tag, {**server, **args}) for server in BOTH)]


SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "all work": (example_world, {}, [working(S1, S2)]),
    "one works": (one_refuses, {}, [working(S1)]),
    "supplied servers": (example_world, {"supplied": {NS1: (A1,)}}, [working(S1)]),
    "no delegation": (example_world, {"zone": "gone.xa"}, [("B02_NO_DELEGATION", {"domain": "gone.xa"})]),
    "no SOA": (both(faults.empty_answer()), {}, findings_of_both("B02_NS_BROKEN")),
    "no authority": (both(faults.no_aa()), {}, findings_of_both("B02_NS_NOT_AUTH")),
    "errors": (both(faults.rcode("SERVFAIL")), {}, findings_of_both("B02_UNEXPECTED_RCODE", rcode="SERVFAIL")),
    "no response": (dead, {}, findings_of_both("B02_NS_NO_RESPONSE")),
    "no address": (
        lambda: example_world(ns={"ns.gone.xa": ()}),
        {},
        [NO_WORKING, ("B02_NS_NO_IP_ADDR", {"ns": "ns.gone.xa"})],
    ),
    "a name without address beside a server that refuses": (
        lambda: one_refuses_of(example_world(ns={NS2: A2, "ns.gone.xa": ()})),
        {},
        [
            NO_WORKING,
            ("B02_UNEXPECTED_RCODE", {**S2, "rcode": "REFUSED"}),
            ("B02_NS_NO_IP_ADDR", {"ns": "ns.gone.xa"}),
        ],
    ),
}


def one_refuses_of(world: World) -> World:
    world.server(A2).fault(faults.rcode("REFUSED"))
    return world


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_basic02(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    found = findings(build(), "basic02", **options)
    assert [each for each in found if not each[0].startswith("IPV")] == expected


def soa(server: dict[str, str]) -> dict[str, str]:
    return {**server, "query_type": "SOA"}


def test_families() -> None:
    ns = {NS1: [A1, V6], NS2: A2}
    assert findings(example_world(ns=ns), "basic02", ipv6=False) == [
        ("IPV6_DISABLED", soa(S1_V6)),
        ("IPV4_ENABLED", soa(S1)),
        ("IPV4_ENABLED", soa(S2)),
        working(S1, S2),
    ]


def test_ipv6_alone() -> None:
    supplied = {NS1: (A1, V6)}
    assert findings(example_world(ns={NS1: [A1, V6]}), "basic02", supplied=supplied, ipv4=False) == [
        ("IPV4_DISABLED", soa(S1)),
        ("IPV6_ENABLED", soa(S1_V6)),
        working(S1_V6),
    ]
