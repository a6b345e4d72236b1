"""ADDRESS01: the classes of addresses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.testcases.aliases import ALIAS_SCENARIOS, alias_findings
from tests.support.case_runs import A1, A2, BOTH, NS1, NS2, Found, example_world, findings
from tests.support.dnsworld import World, faults


def with_addresses(records: str, *names: str) -> Callable[[], World]:
    """Describe a zone with more names in its own NS set; their servers are never queried."""
    return lambda: example_world(apex_ns=[NS1, NS2, *(f"{name}.example.xa" for name in names)], records=records)


def server(name: str, address: str) -> dict[str, str]:
    return {"ns": f"{name}.example.xa", "address": address}


def silent_world() -> World:
    world = example_world()
    for address in (A1, A2):
        world.server(address).fault(faults.silence())
    return world


LOCAL = ("A01_LOCAL_USE_ADDR", {"servers": BOTH})
NONE_GLOBAL: Found = ("A01_NO_GLOBALLY_REACHABLE_ADDR", {})

SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "loopback only": (example_world, [LOCAL, NONE_GLOBAL]),
    "documentation": (
        with_addresses("ns3 A 192.0.2.1\nns3 AAAA 2001:db8::1", "ns3"),
        [
            (
                "A01_DOCUMENTATION_ADDR",
                {"servers": [server("ns3", "192.0.2.1"), server("ns3", "2001:db8::1")]},
            ),
            LOCAL,
            NONE_GLOBAL,
        ],
    ),
    "reserved": (
        with_addresses("ns3 A 198.18.0.1", "ns3"),
        [LOCAL, ("A01_ADDR_NOT_GLOBALLY_REACHABLE", {"servers": [server("ns3", "198.18.0.1")]}), NONE_GLOBAL],
    ),
    "global under two names": (
        with_addresses("ns3 A 198.41.0.4\nns4 A 198.41.0.4", "ns3", "ns4"),
        [
            LOCAL,
            ("A01_GLOBALLY_REACHABLE_ADDR", {"servers": [server("ns3", "198.41.0.4"), server("ns4", "198.41.0.4")]}),
        ],
    ),
    "loopback only, all silent": (silent_world, [LOCAL, NONE_GLOBAL]),
    "no address": (lambda: example_world(ns={"ns.missing.xa": ()}), [("A01_NO_NAME_SERVERS_FOUND", {})]),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_address01(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "address01") == expected


@pytest.mark.parametrize(("build", "expected"), ALIAS_SCENARIOS.values(), ids=ALIAS_SCENARIOS)
def test_alias_of_a_name_server_is_reported(build: Callable[[], World], expected: Found) -> None:
    assert alias_findings(findings(build(), "address01")) == [expected]


def test_alias_that_leads_to_one_address_family_is_no_problem() -> None:
    world = example_world(ns={NS1: "127.9.1.1", "ns.alias.xa": ()})
    world.zone("alias.xa", ns={"ns1.alias.xa": "127.9.3.1"}, records="ns CNAME real\nreal A 127.9.2.1")
    assert alias_findings(findings(world, "address01")) == []
