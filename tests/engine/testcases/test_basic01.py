"""BASIC01: parent and child zone, as found by the walk from the root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.flags
import pytest

from gonemaster_engine.context import DSInfo
from gonemaster_engine.resolver import delegation_walk
from tests.engine.testcases.aliases import ALIAS_SCENARIOS, alias_findings
from tests.support.case_runs import A1, BOTH, NS1, NS2, S1, Found, example_world, findings
from tests.support.dnsworld import World, faults

PARENT1 = {"ns": "ns1.nic.xa", "address": "127.8.1.1"}
PARENT2 = {"ns": "ns2.nic.xa", "address": "127.8.2.1"}
ROOTS = [{"ns": "ns1", "address": "127.201.0.1"}, {"ns": "ns2", "address": "127.202.0.1"}]

PARENT = ("B01_PARENT_FOUND", {"domain": "xa", "servers": [PARENT1, PARENT2]})
FOUND = ("B01_CHILD_FOUND", {"domain": "example.xa"})


def no_child(name: str, above: str = "xa") -> Found:
    return ("B01_NO_CHILD", {"domain_child": name, "domain_super": above})


def undetermined(name: str, above: str = "xa") -> Found:
    return ("B01_CHILD_UNDETERMINED", {"domain_child": name, "domain_super": above})


def inconsistent(*servers: dict[str, str]) -> Found:
    args = {"domain_parent": "xa", "domain_child": "example.xa", "servers": list(servers)}
    return ("B01_INCONSISTENT_DELEGATION", args)


def zone_error(name: str, query_type: str, server: dict[str, str]) -> Found:
    return ("B01_SERVER_ZONE_ERROR", {"query_name": name, "query_type": query_type, **server})


def world_with(records: str, other_records: str | None = None) -> World:
    """Describe a TLD with additional records, possibly different ones on its second server."""
    world = example_world()
    changed = world.zone("xa", ns={"ns1.nic.xa": "127.8.1.1", "ns2.nic.xa": "127.8.2.1"}, records=records)
    if other_records is not None:
        changed.on("127.8.2.1", records=other_records)
    return world


def denied_by_second_parent() -> World:
    world = example_world()
    server = world.server("127.8.2.1")
    server.fault(faults.rcode("NXDOMAIN"), below="example.xa").fault(faults.flags(add=dns.flags.AA), below="example.xa")
    return world


def aliased_by_second_parent() -> World:
    world = example_world()
    world.server("127.8.2.1").fault(faults.alias("other.xa."), below="example.xa")
    return world


def emptied_at_second_parent() -> World:
    world = example_world()
    world.server("127.8.2.1").fault(faults.empty_answer(), below="example.xa")
    return world


def referred_with_alias() -> World:
    """Describe a parent server that answers with an alias and a referral elsewhere in the authority section."""
    world = example_world()
    server = world.server("127.8.2.1")
    server.fault(faults.refer("other.xa.", {"ns1.other.xa.": "127.9.9.9"}), below="example.xa")
    server.fault(faults.answers(answer="example.xa. 60 IN CNAME www.other.xa."), below="example.xa")
    return world


def dead_root() -> World:
    world = example_world()
    for root in ROOTS:
        world.server(root["address"]).set(udp=False, tcp=False)
    return world


def parent_without_ns() -> World:
    world = example_world()
    world.server("127.8.2.1").fault(faults.empty_answer(), qname="xa", qtype="NS")
    return world


def refusing_parent() -> World:
    world = example_world()
    world.server("127.8.2.1").fault(faults.rcode("REFUSED"), below="example.xa")
    return world


def two_parents() -> World:
    """Describe a TLD with a server that delegates sub.example.xa but not example.xa."""
    world = example_world()
    world.zone("sub.example.xa", ns={"ns.sub.example.xa": "127.9.5.1"})
    server = world.server("127.8.2.1")
    server.fault(faults.empty_answer(), qname="example.xa")
    server.fault(faults.refer("sub.example.xa.", {"ns.sub.example.xa.": "127.9.5.1"}), qname="sub.example.xa")
    return world


def denied_on_the_way() -> World:
    world = example_world()
    world.zone("sub.ent.example.xa", ns={"ns.sub.ent.example.xa": "127.9.5.1"})
    server = world.server(A1)
    for fault in (faults.rcode("NXDOMAIN"), faults.flags(add=dns.flags.AA)):
        server.fault(fault, qname="ent.example.xa")
    return world


def same_servers() -> World:
    """Describe a zone on the servers of its parent."""
    world = example_world()
    world.zone("sub.example.xa", ns={NS1: A1, NS2: "127.9.2.1"})
    return world


Scenario = tuple[Callable[[], World], dict[str, Any], list[Found]]

SCENARIOS: dict[str, Scenario] = {
    "delegated": (example_world, {}, [PARENT, FOUND]),
    "root": (example_world, {"zone": "."}, [("B01_CHILD_FOUND", {"domain": "."}), ("B01_ROOT_HAS_NO_PARENT", {})]),
    "top level domain": (
        example_world,
        {"zone": "xa"},
        [("B01_PARENT_FOUND", {"domain": ".", "servers": ROOTS}), ("B01_CHILD_FOUND", {"domain": "xa"})],
    ),
    "undelegated": (
        example_world,
        {"supplied": {"ns1.example.xa": (A1,)}},
        [FOUND, ("B01_PARENT_DISREGARDED", {})],
    ),
    "not there": (example_world, {"zone": "gone.xa"}, [PARENT, no_child("gone.xa")]),
    "not there though DS were supplied": (
        example_world,
        {"zone": "gone.xa", "ds": [DSInfo(4711, 13, 2, "ab" * 32)]},
        [PARENT, no_child("gone.xa"), ("B01_CHILD_NOT_EXIST", {"domain": "gone.xa"})],
    ),
    "name without records": (
        lambda: world_with("sub.name TXT x"),
        {"zone": "name.xa"},
        [PARENT, no_child("name.xa")],
    ),
    "name of an alias": (
        lambda: world_with("name CNAME www.example.xa."),
        {"zone": "name.xa"},
        [PARENT, no_child("name.xa")],
    ),
    "redirected": (
        lambda: world_with("name DNAME other.xa."),
        {"zone": "name.xa"},
        [
            PARENT,
            no_child("name.xa"),
            (
                "B01_CHILD_IS_ALIAS",
                {"domain_child": "name.xa", "domain_target": "other.xa", "servers": [PARENT1, PARENT2]},
            ),
        ],
    ),
    "redirected to different names": (
        lambda: world_with("name DNAME other.xa.", "name DNAME another.xa."),
        {"zone": "name.xa"},
        [
            PARENT,
            no_child("name.xa"),
            ("B01_CHILD_IS_ALIAS", {"domain_child": "name.xa", "domain_target": "another.xa", "servers": [PARENT2]}),
            ("B01_CHILD_IS_ALIAS", {"domain_child": "name.xa", "domain_target": "other.xa", "servers": [PARENT1]}),
            ("B01_INCONSISTENT_ALIAS", {"domain": "name.xa"}),
        ],
    ),
    "denied by one server": (denied_by_second_parent, {}, [PARENT, FOUND, inconsistent(PARENT2)]),
    "an alias at one server": (aliased_by_second_parent, {}, [PARENT, FOUND, inconsistent(PARENT2)]),
    "without data at one server": (emptied_at_second_parent, {}, [PARENT, FOUND, inconsistent(PARENT2)]),
    "an alias with a referral at one server": (referred_with_alias, {}, [PARENT, FOUND, inconsistent(PARENT2)]),
    "dead root": (
        dead_root,
        {},
        [*(zone_error(".", "SOA", root) for root in ROOTS), ("B01_PARENT_NOT_FOUND", {}), undetermined("example.xa")],
    ),
    "parent server without NS": (
        parent_without_ns,
        {},
        [zone_error("xa", "NS", PARENT2), ("B01_PARENT_FOUND", {"domain": "xa", "servers": [PARENT1]}), FOUND],
    ),
    "parent server that refuses": (
        refusing_parent,
        {},
        [zone_error("example.xa", "SOA", PARENT2), ("B01_PARENT_FOUND", {"domain": "xa", "servers": [PARENT1]}), FOUND],
    ),
    "two parents": (
        two_parents,
        {"zone": "sub.example.xa"},
        [
            ("B01_PARENT_FOUND", {"domain": "example.xa", "servers": BOTH}),
            ("B01_PARENT_FOUND", {"domain": "xa", "servers": [PARENT2]}),
            ("B01_PARENT_UNDETERMINED", {"servers": [*BOTH, PARENT2]}),
            ("B01_CHILD_FOUND", {"domain": "sub.example.xa"}),
        ],
    ),
    "denial above the delegation": (
        denied_on_the_way,
        {"zone": "sub.ent.example.xa"},
        [
            (
                "B01_PARENT_NXDOMAIN_HIDES_DELEGATION",
                {**S1, "query_name": "ent.example.xa", "domain_child": "sub.ent.example.xa"},
            ),
            ("B01_PARENT_FOUND", {"domain": "example.xa", "servers": BOTH}),
            ("B01_CHILD_FOUND", {"domain": "sub.ent.example.xa"}),
        ],
    ),
    "denial above a delegation that lies above another one": (
        denied_on_the_way,
        {"zone": "www.sub.ent.example.xa"},
        [
            (
                "B01_PARENT_NXDOMAIN_HIDES_DELEGATION",
                {**S1, "query_name": "ent.example.xa", "domain_child": "www.sub.ent.example.xa"},
            ),
            (
                "B01_PARENT_FOUND",
                {"domain": "sub.ent.example.xa", "servers": [{"ns": "ns.sub.ent.example.xa", "address": "127.9.5.1"}]},
            ),
            no_child("www.sub.ent.example.xa", "sub.ent.example.xa"),
        ],
    ),
    "on the servers of the parent": (
        same_servers,
        {"zone": "sub.example.xa"},
        [
            ("B01_PARENT_FOUND", {"domain": "example.xa", "servers": BOTH}),
            ("B01_CHILD_FOUND", {"domain": "sub.example.xa"}),
        ],
    ),
}


def about_transport(found: Found) -> bool:
    return found[0].startswith("IPV")


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_basic01(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert [found for found in findings(build(), "basic01", **options) if not about_transport(found)] == expected


def test_queries_that_may_be_sent_are_reported_once_per_server_and_type() -> None:
    found = findings(example_world(), "basic01")
    sent = {(args["ns"], args["query_type"]) for tag, args in found if tag == "IPV4_ENABLED"}
    servers = ("ns1", "ns1.nic.xa", "ns2.nic.xa")
    assert sent == {(name, query_type) for name in servers for query_type in ("SOA", "NS")}
    assert len([tag for tag, _ in found if tag == "IPV4_ENABLED"]) == len(sent)


def test_family_that_is_off_is_reported_for_all_types() -> None:
    world = example_world(ns={NS1: [A1, "::1"], NS2: "127.9.2.1"})
    found = findings(world, "basic01", zone="sub.example.xa", ipv6=False)
    off = {"ns": NS1, "address": "::1"}
    assert [args for tag, args in found if tag == "IPV6_DISABLED"] == [
        {**off, "query_type": query_type} for query_type in ("SOA", "NS", "DNAME")
    ]


def test_family_that_is_on_is_reported() -> None:
    world = example_world(ns={NS1: [A1, "::1"], NS2: "127.9.2.1"})
    found = findings(world, "basic01", zone="sub.example.xa")
    assert ("IPV6_ENABLED", {"ns": NS1, "address": "::1", "query_type": "SOA"}) in found


def test_without_ipv4_a_world_on_ipv4_has_no_parent() -> None:
    found = findings(example_world(), "basic01", ipv4=False)
    assert ("IPV4_DISABLED", {**ROOTS[0], "query_type": "DNAME"}) in found
    assert found[-2:] == [("B01_PARENT_NOT_FOUND", {}), undetermined("example.xa")]


@pytest.mark.parametrize(("build", "expected"), ALIAS_SCENARIOS.values(), ids=ALIAS_SCENARIOS)
def test_alias_of_a_name_server_on_the_way_is_reported(build: Callable[[], World], expected: Found) -> None:
    assert alias_findings(findings(build(), "basic01", zone="sub.example.xa")) == [expected]


def test_walk_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delegation_walk, "VISIT_LIMIT", 2)
    found = [each for each in findings(example_world(), "basic01") if not about_transport(each)]
    stopped = {
        "caller": "basic01",
        "child_zone_name": "example.xa",
        "zone_name": "xa",
        "intermediate_query_name": "example.xa",
    }
    assert found == [("LOOP_PROTECTION", stopped)]
