"""Verdicts about all name servers if a lookup failed or no server answered: unknown data is not judged.

docs/explanation/divergences.md lists the test cases concerned.
"""

from __future__ import annotations

import pytest

from tests.engine.testcases.test_connectivity03 import SOURCE, SOURCE_SERVER, v4
from tests.support.case_runs import A1, A2, NS1, NS2, V6, Found, example_world, findings
from tests.support.dnsworld import World, faults

OUTSIDE = "ns.other.xa"
OTHER_SERVER = "127.9.6.1"
ABOUT_ALL = {
    "one AS": ("connectivity03", "IPV4_ONE_ASN"),
    "one prefix": ("connectivity04", "CN04_IPV4_SINGLE_PREFIX"),
    "too few in the delegation": ("delegation01", "NOT_ENOUGH_IPV4_NS_DEL"),
    "too few in the zone": ("delegation01", "NOT_ENOUGH_IPV4_NS_CHILD"),
    "none of a family": ("delegation01", "NO_IPV6_NS_DEL"),
    "none global": ("address01", "A01_NO_GLOBALLY_REACHABLE_ADDR"),
}


def with_outside_name(*, fails: bool) -> World:
    """Describe example.xa with one server, and an NS name that has no address or whose addresses are unknown."""
    world = example_world(ns={NS1: A1, OUTSIDE: ()})
    world.zone("other.xa", ns={"ns1.other.xa": OTHER_SERVER})
    world.zone(SOURCE, ns={f"ns1.{SOURCE}": SOURCE_SERVER}, records=v4(1, "64500"))
    if fails:
        world.server(OTHER_SERVER).fault(faults.rcode("SERVFAIL"), qname=OUTSIDE)
    return world


def tags(world: World, case_id: str) -> set[str]:
    return {tag for tag, _ in findings(world, case_id)}


@pytest.mark.parametrize(("case_id", "verdict"), ABOUT_ALL.values(), ids=ABOUT_ALL)
def test_verdict_about_all_addresses_needs_all_of_them(case_id: str, verdict: str) -> None:
    assert verdict not in tags(with_outside_name(fails=True), case_id)
    assert verdict in tags(with_outside_name(fails=False), case_id)


def test_address_of_a_name_in_the_zone_is_unknown_if_all_servers_drop_the_query() -> None:
    world = example_world(ns={NS1: [A1, V6], NS2: A2})
    for address in (A1, A2, V6):
        world.server(address).fault(faults.rcode("SERVFAIL"), qname=NS2, qtype="AAAA")
    assert "NOT_ENOUGH_IPV6_NS_CHILD" not in tags(world, "delegation01")


def without_ns_answers() -> World:
    world = example_world()
    for address in (A1, A2):
        world.server(address).fault(faults.rcode("SERVFAIL"), qname="example.xa", qtype="NS")
    return world


def test_missing_ns_set_is_neither_compared_nor_counted() -> None:
    assert tags(without_ns_answers(), "delegation07") == set()
    assert not {tag for tag in tags(without_ns_answers(), "delegation01") if tag.endswith("_CHILD")}


def test_empty_ns_set_is_reported() -> None:
    world = example_world()
    for address in (A1, A2):
        world.server(address).fault(faults.empty_answer(), qname="example.xa", qtype="NS")
    assert "TOTAL_NAME_MISMATCH" in tags(world, "delegation07")
    assert "NOT_ENOUGH_NS_CHILD" in tags(world, "delegation01")


@pytest.mark.parametrize("fault", [faults.rcode("SERVFAIL"), faults.silence()], ids=["SERVFAIL", "silence"])
def test_glue_is_no_mismatch_if_the_addresses_of_its_family_are_unknown(fault: faults.Fault) -> None:
    world = example_world(ns={NS1: [A1, V6], NS2: A2})
    for address in (A1, A2, V6):
        world.server(address).fault(fault, qtype="AAAA")
    assert findings(world, "consistency05") == [("CS05_NO_MISMATCH_GLUE_ZONE", {})]
    older: list[Found] = findings(world, "consistency05", zonemaster_tags="2025.2")
    assert {tag for tag, _ in older} <= {"ADDRESSES_MATCH", "NO_RESPONSE", "CHILD_NS_FAILED"}
    assert ("ADDRESSES_MATCH", {}) in older
