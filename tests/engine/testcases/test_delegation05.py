"""DELEGATION05: name server names that are aliases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.name
import pytest

from tests.support.case_runs import A1, A2, NS1, NS2, S1, S1_V6, S2, V6, Found, example_world, findings
from tests.support.dnsworld import World, delegation, faults

NONE: Found = ("NO_NS_CNAME", {})
ALIAS = "alias.example.xa"


def is_alias(name: str) -> Found:
    return ("NS_IS_CNAME", {"ns": name})


def about(server: dict[str, str], name: str) -> dict[str, str]:
    return {**server, "query_name": name, "query_type": "A"}


def alias_in_zone(target: str = "ns1") -> World:
    return example_world(
        apex_ns=[NS1, NS2, ALIAS],
        records=f"alias CNAME {target}",
    )


def served_at(world: World, address: str) -> World:
    """Let example.xa be served at one more address."""
    world.zones[dns.name.from_text("example.xa")].on(address)
    return world


def alias_elsewhere(target: str) -> World:
    """Describe a name server in another zone whose name is an alias."""
    world = example_world(ns={NS1: A1, "ns.other.xa": ()})
    world.zone("other.xa", ns={"ns1.other.xa": "127.9.8.1"}, records=f"ns CNAME {target}\nreal A {A2}")
    world.zone("third.xa", ns={"ns1.third.xa": "127.9.9.1"}, records=f"real A {A2}")
    return served_at(world, A2)


def alias_in_zone_below() -> World:
    world = example_world(ns={NS1: A1, "ns.sub.example.xa": ()}, delegation=delegation(ns={NS1: A1}))
    world.zone("sub.example.xa", ns={"ns1.sub.example.xa": "127.9.7.1"}, records="ns CNAME ns1")
    return served_at(world, "127.9.7.1")


def faulty() -> World:
    world = example_world()
    world.server(A1).set(udp=False, tcp=False)
    world.server(A2).fault(faults.rcode("REFUSED"), qname=NS1, qtype="A")
    return world


SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "none": (example_world, {}, [NONE]),
    "in the zone": (alias_in_zone, {}, [is_alias(ALIAS)]),
    "in the zone, leading elsewhere": (lambda: alias_in_zone("www.gone.xa."), {}, [is_alias(ALIAS)]),
    "in a zone below": (alias_in_zone_below, {}, [is_alias("ns.sub.example.xa")]),
    "elsewhere": (lambda: alias_elsewhere("real"), {}, [is_alias("ns.other.xa")]),
    "elsewhere, leading to a third zone": (
        lambda: alias_elsewhere("real.third.xa."),
        {},
        [is_alias("ns.other.xa")],
    ),
    "elsewhere, leading nowhere": (lambda: alias_elsewhere("gone.third.xa."), {}, [is_alias("ns.other.xa")]),
    "faulty servers": (
        faulty,
        {},
        [
            ("NO_RESPONSE", about(S1, NS1)),
            ("UNEXPECTED_RCODE", {**about(S2, NS1), "rcode": "REFUSED"}),
            ("NO_RESPONSE", about(S1, NS2)),
            NONE,
        ],
    ),
    "IPv6 off": (
        lambda: example_world(ns={NS1: [A1, V6]}),
        {"ipv6": False},
        [("IPV6_DISABLED", {**S1_V6, "query_type": "A"}), NONE],
    ),
    "IPv4 off": (
        lambda: example_world(ns={NS1: [A1, V6]}),
        {"ipv4": False, "supplied": {NS1: (A1, V6)}},
        [("IPV4_DISABLED", {**S1, "query_type": "A"}), NONE],
    ),
}


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_delegation05(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert findings(build(), "delegation05", **options) == expected
