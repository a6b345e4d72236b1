"""BASIC01: parent and child zone, as found by the walk from the root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.flags
import dns.name
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


def deny_empty_nonterminals(world: World, address: str, *qnames: str) -> None:
    server = world.server(address)
    for qname in qnames:
        for fault in (faults.rcode("NXDOMAIN"), faults.flags(add=dns.flags.AA)):
            server.fault(fault, qname=qname)


def deny_above_own_zone() -> World:
    """Describe servers that deny two empty non-terminals, and serve the zone below them that delegates."""
    world = example_world()
    world.zone("a.ent.ent.example.xa", ns={NS1: A1, NS2: "127.9.2.1"})
    world.zone("sub.a.ent.ent.example.xa", ns={"ns.sub.a.ent.ent.example.xa": "127.9.5.1"})
    for address in (A1, "127.9.2.1"):
        deny_empty_nonterminals(world, address, "ent.example.xa", "ent.ent.example.xa")
    return world


def deny_above_name(record: str) -> World:
    """Describe servers that deny an empty non-terminal above a name that is not a zone."""
    world = example_world(records=f"name.ent {record}")
    for address in (A1, "127.9.2.1"):
        deny_empty_nonterminals(world, address, "ent.example.xa")
    return world


def alias_above_delegation() -> World:
    """Describe a zone below an alias whose target does not exist: NXDOMAIN is about the target (RFC 6604)."""
    world = example_world(records="ent CNAME gone")
    world.zone("sub.ent.example.xa", ns={"ns.sub.ent.example.xa": "127.9.5.1"})
    return world


def deny_all_but(zone: str) -> World:
    """Describe a server that denies every name between its zone and a zone far below."""
    world = example_world()
    world.zone(zone, ns={f"ns.{zone}": "127.9.5.1"})
    labels = zone.split(".")
    between = [".".join(labels[start:]) for start in range(1, len(labels) - 2)]
    for address in (A1, "127.9.2.1"):
        deny_empty_nonterminals(world, address, *between)
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
    "denials above a zone on the same servers, which delegates": (
        deny_above_own_zone,
        {"zone": "sub.a.ent.ent.example.xa"},
        [
            *(
                (
                    "B01_PARENT_NXDOMAIN_HIDES_DELEGATION",
                    {**server, "query_name": "ent.example.xa", "domain_child": "sub.a.ent.ent.example.xa"},
                )
                for server in BOTH
            ),
            ("B01_PARENT_FOUND", {"domain": "a.ent.ent.example.xa", "servers": BOTH}),
            ("B01_CHILD_FOUND", {"domain": "sub.a.ent.ent.example.xa"}),
        ],
    ),
    "denial above a name with other records": (
        lambda: deny_above_name("TXT x"),
        {"zone": "name.ent.example.xa"},
        [
            ("B01_PARENT_FOUND", {"domain": "example.xa", "servers": BOTH}),
            no_child("name.ent.example.xa", "ent.example.xa"),
        ],
    ),
    "denial above a DNAME": (
        lambda: deny_above_name("DNAME other.xa."),
        {"zone": "name.ent.example.xa"},
        [
            ("B01_PARENT_FOUND", {"domain": "example.xa", "servers": BOTH}),
            no_child("name.ent.example.xa", "ent.example.xa"),
            (
                "B01_CHILD_IS_ALIAS",
                {"domain_child": "name.ent.example.xa", "domain_target": "other.xa", "servers": BOTH},
            ),
        ],
    ),
    "denial of the target of an alias above a delegation": (
        alias_above_delegation,
        {"zone": "sub.ent.example.xa"},
        [
            ("B01_PARENT_FOUND", {"domain": "example.xa", "servers": BOTH}),
            ("B01_CHILD_FOUND", {"domain": "sub.ent.example.xa"}),
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


DEEP = "9.8.7.6.5.4.3.2.1.example.xa"


def asked_on_the_way(world: World, zone: str) -> list[list[str]]:
    """Return the names below example.xa for which each of its servers was queried on the way to the zone."""
    findings(world, "basic01", zone=zone)
    asked = (
        [str(query.name).lower() for query in world.server(address).asked(rdtype="SOA")]
        for address in (A1, "127.9.2.1")
    )
    return [sorted(name for name in names if name.endswith(".example.xa.")) for names in asked]


def test_denied_intermediate_names_cost_no_more_queries_than_empty_answers() -> None:
    correct = example_world()
    correct.zone(DEEP, ns={f"ns.{DEEP}": "127.9.5.1"})
    every_name = sorted(DEEP[start:] + "." for start in range(0, 18, 2))
    assert asked_on_the_way(correct, DEEP) == asked_on_the_way(deny_all_but(DEEP), DEEP) == [every_name] * 2


def test_a_denial_that_is_correct_costs_one_more_query() -> None:
    assert asked_on_the_way(example_world(), DEEP) == [["1.example.xa.", f"{DEEP}."]] * 2


@pytest.mark.parametrize("upward", [".", "xa."])
def test_an_upward_referral_on_the_way_ends_the_visit(upward: str) -> None:
    world = example_world()
    world.zone("sub.ent.example.xa", ns={"ns.sub.ent.example.xa": "127.9.5.1"})
    ent = dns.name.from_text("ent.example.xa")
    lost = world.server(A1)
    lost.fault(faults.refer(upward, {"trap.xa.": "127.9.9.9"}), below="ent.example.xa")
    found = findings(world, "basic01", zone="sub.ent.example.xa")
    server = {"ns": NS1, "address": A1}
    assert zone_error("ent.example.xa", "SOA", server) in found
    assert ("B01_CHILD_FOUND", {"domain": "sub.ent.example.xa"}) in found
    below = [(query.name, query.type) for query in lost.log if query.name and query.name.is_subdomain(ent)]
    assert below == [(ent, "SOA")]
    assert not any(str(query.name).lower() == "trap.xa." for query in world.log)
