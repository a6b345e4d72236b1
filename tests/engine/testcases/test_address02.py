"""ADDRESS02: PTR records of the addresses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.testcases.aliases import ALIAS_SCENARIOS, alias_findings
from tests.support.case_runs import A1, NS1, NS2, S2, Found, example_world, findings
from tests.support.dnsworld import World, faults

REVERSE_SERVER = "127.9.4.1"
PTR1, PTR2 = f"1.1.9.127 PTR {NS1}.", f"1.2.9.127 PTR {NS2}."
DOMAIN1, DOMAIN2 = "1.1.9.127.in-addr.arpa", "1.2.9.127.in-addr.arpa"


def reverse_world(*records: str) -> World:
    world = example_world()
    world.zone("in-addr.arpa", ns={"ns.in-addr.arpa": REVERSE_SERVER}, records="\n".join(records))
    return world


def silent() -> World:
    world = reverse_world()
    world.server(REVERSE_SERVER).fault(faults.silence())
    return world


def one_address_twice() -> World:
    world = example_world(ns={NS1: A1, NS2: A1})
    world.zone("in-addr.arpa", ns={"ns.in-addr.arpa": REVERSE_SERVER})
    return world


WITHOUT2 = ("NAMESERVER_IP_WITHOUT_REVERSE", S2)
ALL: Found = ("NAMESERVERS_IP_WITH_REVERSE", {})

SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "all have names": (lambda: reverse_world(PTR1, PTR2), [ALL]),
    "one has no name": (lambda: reverse_world(PTR1), [WITHOUT2]),
    "error instead of an answer": (
        lambda: reverse_world(PTR1, "1.2.9.127 TXT nothing"),
        [WITHOUT2],
    ),
    "alias into another zone, as for networks without classes": (
        lambda: reverse_world(PTR1, "1.2.9.127 CNAME 1.part.2.9.127", f"1.part.2.9.127 PTR {NS2}."),
        [ALL],
    ),
    "alias that leads nowhere": (
        lambda: reverse_world(PTR1, "1.2.9.127 CNAME 1.part.2.9.127"),
        [WITHOUT2],
    ),
    "no answer": (silent, [("NO_RESPONSE_PTR_QUERY", {"domain": domain}) for domain in (DOMAIN1, DOMAIN2)]),
    "one address with two names is looked up once": (
        one_address_twice,
        [("NAMESERVER_IP_WITHOUT_REVERSE", {"ns": NS1, "address": A1})],
    ),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_address02(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "address02") == expected


@pytest.mark.parametrize(("build", "expected"), ALIAS_SCENARIOS.values(), ids=ALIAS_SCENARIOS)
def test_alias_of_a_name_server_is_reported(build: Callable[[], World], expected: Found) -> None:
    assert alias_findings(findings(build(), "address02")) == [expected]


def test_addresses_of_the_zone_itself_are_looked_up_too() -> None:
    world = example_world(apex_ns=[NS1, NS2, "ns3.example.xa"], records="ns3 A 127.9.3.3")
    world.zone("in-addr.arpa", records=f"{PTR1}\n{PTR2}")
    expected = {"ns": "ns3.example.xa", "address": "127.9.3.3"}
    assert findings(world, "address02") == [("NAMESERVER_IP_WITHOUT_REVERSE", expected)]
