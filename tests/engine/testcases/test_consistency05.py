"""CONSISTENCY05: glue compared with the addresses in the zone, and referrals compared with each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.flags
import dns.name
import pytest

from tests.support.case_runs import A1, A2, BOTH, NS1, NS2, S1, S2, Found, example_world, findings
from tests.support.dnsworld import World, delegation, faults

PARENT1 = {"ns": "ns1.nic.xa", "address": "127.8.1.1"}
PARENT2 = {"ns": "ns2.nic.xa", "address": "127.8.2.1"}
OTHER = "127.9.7.1"
MATCH: Found = ("ADDRESSES_MATCH", {})
NO_MISMATCH: Found = ("CS05_NO_MISMATCH_GLUE_ZONE", {})
SETS_DIFFER: Found = ("MULTIPLE_DELEGATION_NS_SET", {"count": 2, "ns_names": [NS1, NS2]})
DELEGATIONS_DIFFER: Found = ("CS05_INCONSISTENT_DELEGATION", {"count": 2, "ns_names": [NS1, NS2]})


def delegated_to(ns: dict[str, Any], **fields: Any) -> World:
    return example_world(delegation=delegation(ns=ns), **fields)


def mismatch(name: str, parent: list[str], zone: list[str]) -> Found:
    args = {
        "ns": name,
        "parent_servers": [{"ns": name, "address": address} for address in parent],
        "zone_servers": [{"ns": name, "address": address} for address in zone],
    }
    return ("IN_DOMAIN_ADDR_MISMATCH", args)


def extra(*pairs: str) -> Found:
    return ("EXTRA_ADDRESS_CHILD", {"addresses": list(pairs)})


def served_at(world: World, *addresses: str) -> World:
    """Let example.xa be served at more addresses."""
    for address in addresses:
        world.zones[dns.name.from_text("example.xa")].on(address)
    return world


def dead_glue() -> World:
    """Describe stale glue: no server has that address any more."""
    world = delegated_to({NS1: OTHER, NS2: A2})
    world.server(OTHER).set(udp=False, tcp=False)
    return world


def referred_differently() -> World:
    world = example_world()
    referral = faults.refer("example.xa.", {f"{NS1}.": A1})
    world.server("127.8.2.1").fault(referral, below="example.xa")
    return world


def referral_with_aa() -> World:
    world = referred_differently()
    world.server("127.8.2.1").fault(faults.flags(add=dns.flags.AA), qname="example.xa", qtype="NS")
    return world


def truncated_referral() -> World:
    world = referred_differently()
    world.server("127.8.2.1").fault(faults.flags(add=dns.flags.TC), qname="example.xa", qtype="NS")
    return world


def faulty_server(address: str, *made: faults.Fault) -> World:
    world = example_world()
    for fault in made:
        world.server(address).fault(fault, qtype=("A", "AAAA"))
    return world


def lame() -> World:
    world = faulty_server(A1, faults.rcode("REFUSED"))
    world.server(A2).fault(faults.silence(), qtype=("A", "AAAA"))
    return world


def outside(*, real: str, glue: str, working: bool = True) -> World:
    """Describe a name server next to the zone, with glue for it at the parent."""
    name = "ns.other.xa"
    world = served_at(example_world(ns={NS1: A1, name: ()}, delegation=delegation(ns={NS1: A1, name: ()})), real)
    world.zone("other.xa", ns={"ns1.other.xa": "127.9.8.1"}, records=f"ns A {real}")
    if not working:
        world.server("127.9.8.1").fault(faults.rcode("SERVFAIL"), below=name)
    referral = faults.refer("example.xa.", {f"{NS1}.": A1, f"{name}.": glue})
    for parent in ("127.8.1.1", "127.8.2.1"):
        world.server(parent).fault(referral, below="example.xa")
    return world


def subzone() -> World:
    """Describe a name server in a zone below, which has separate servers."""
    name = "ns1.sub.example.xa"
    world = example_world(ns={NS1: A1, name: ()}, delegation=delegation(ns={NS1: A1, name: "127.9.6.1"}))
    world.zone("sub.example.xa", ns={name: "127.9.6.1"})
    return served_at(world, "127.9.6.1")


SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "equal": (example_world, {}, [MATCH]),
    "no glue": (lambda: example_world(delegation=delegation(glue=False)), {}, [MATCH]),
    "glue for one name only": (lambda: delegated_to({NS1: A1, NS2: ()}), {}, [MATCH]),
    "old glue": (
        lambda: served_at(delegated_to({NS1: OTHER, NS2: A2}), OTHER),
        {},
        [mismatch(NS1, [OTHER], [A1]), extra(f"{NS1}/{A1}")],
    ),
    "old glue where nobody answers": (
        dead_glue,
        {},
        [mismatch(NS1, [OTHER], [A1]), extra(f"{NS1}/{A1}")],
    ),
    "more in the zone": (
        lambda: served_at(
            delegated_to({NS1: A1, NS2: A2}, records="ns1 A 127.9.1.2\nns1 AAAA ::1"), "127.9.1.2", "::1"
        ),
        {},
        [extra(f"{NS1}/127.9.1.2", f"{NS1}/::1")],
    ),
    "name without address in the zone": (
        lambda: served_at(example_world(ns={NS1: A1}, delegation=delegation(ns={NS1: A1, "ns3.example.xa": A2})), A2),
        {},
        [
            ("MISSING_ADDRESS_CHILD", {"ns": "ns3.example.xa"}),
            mismatch("ns3.example.xa", [A2], []),
        ],
    ),
    "name in a zone below": (subzone, {}, [MATCH]),
    "one server fails": (
        lambda: faulty_server(A2, faults.rcode("SERVFAIL")),
        {},
        [("CHILD_NS_FAILED", S2), MATCH],
    ),
    "one server without authority": (lambda: faulty_server(A2, faults.no_aa()), {}, [("CHILD_NS_FAILED", S2), MATCH]),
    "all servers fail": (
        lame,
        {"timeout_s": 0.3, "retrans_s": 0.3},
        [("NO_RESPONSE", S2), ("CHILD_NS_FAILED", S1), ("CHILD_ZONE_LAME", {})],
    ),
    "different referrals": (
        referred_differently,
        {},
        [
            SETS_DIFFER,
            ("DELEGATION_NS_SET", {"ns_set_servers": [{"ns": NS1}], "servers": [PARENT2]}),
            ("DELEGATION_NS_SET", {"ns_set_servers": [{"ns": NS1}, {"ns": NS2}], "servers": [PARENT1]}),
            MATCH,
        ],
    ),
    "truncated referral": (truncated_referral, {"fallback": False}, [MATCH]),
    "glue outside of the zone": (lambda: outside(real=A2, glue=A2), {}, [MATCH]),
    "wrong glue outside of the zone": (
        lambda: outside(real=A2, glue=OTHER),
        {},
        [
            (
                "NOT_IN_DOMAIN_ADDR_MISMATCH",
                {
                    "parent_servers": [{"ns": "ns.other.xa", "address": OTHER}],
                    "zone_servers": [{"ns": "ns.other.xa", "address": A2}],
                },
            )
        ],
    ),
    "glue outside of the zone that nobody can confirm": (
        lambda: outside(real=A2, glue=OTHER, working=False),
        {},
        [MATCH],
    ),
    "supplied delegation": (example_world, {"supplied": {NS1: (A1,), NS2: (A2,)}}, [MATCH]),
    "supplied delegation with a wrong address": (
        example_world,
        {"supplied": {NS1: (A2,), NS2: (A2,)}},
        [mismatch(NS1, [A2], [A1]), extra(f"{NS1}/{A1}")],
    ),
}


def differs(name: str, parent: str, zone: str, tag: str = "CS05_ID_ADDR_MISMATCH") -> Found:
    sides = {"parent_servers": [{"ns": name, "address": parent}], "zone_servers": [{"ns": name, "address": zone}]}
    return (tag, {"ns": name, **sides})


def no_glue(name: str, *parents: dict[str, str]) -> Found:
    return ("CS05_MISSING_GLUE_FOR_NS", {"ns": name, "servers": list(parents or (PARENT1, PARENT2))})


# The findings of the same scenarios with the tags of Zonemaster 2026.1, if there is a mismatch.
NEWEST: dict[str, list[Found]] = {
    "no glue": [no_glue(NS1), no_glue(NS2), ("CS05_NO_NS_ADDR_CHILD", {})],
    "glue for one name only": [no_glue(NS2)],
    "old glue": [differs(NS1, OTHER, A1)],
    "old glue where nobody answers": [differs(NS1, OTHER, A1)],
    "more in the zone": [
        (
            "CS05_EXTRA_ADDR_CHILD",
            {"servers": [{"ns": NS1, "address": "127.9.1.2"}, {"ns": NS1, "address": "::1"}]},
        )
    ],
    "name without address in the zone": [("CS05_ID_ADDR_MISSING", {"ns": "ns3.example.xa"})],
    "all servers fail": [],
    "different referrals": [
        DELEGATIONS_DIFFER,
        ("CS05_DELEGATION", {"ns_set_servers": [S1], "servers": [PARENT2]}),
        ("CS05_DELEGATION", {"ns_set_servers": [S1, S2], "servers": [PARENT1]}),
        NO_MISMATCH,
    ],
    "wrong glue outside of the zone": [differs("ns.other.xa", OTHER, A2, "CS05_OOD_ADDR_MISMATCH")],
    "supplied delegation with a wrong address": [differs(NS1, A2, A1)],
}


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_consistency05_of_2025(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert findings(build(), "consistency05", zonemaster_tags="2025.2", **options) == expected


@pytest.mark.parametrize("name", SCENARIOS)
def test_consistency05(name: str) -> None:
    build, options, _ = SCENARIOS[name]
    assert findings(build(), "consistency05", **options) == NEWEST.get(name, [NO_MISMATCH])


def refused_everywhere() -> World:
    world = example_world()
    world.server(A1).fault(faults.rcode("REFUSED"))
    world.server(A2).fault(faults.no_aa())
    return world


def glue_at_one_parent() -> World:
    world = example_world()
    world.server("127.8.2.1").fault(faults.refer("example.xa.", {f"{NS1}.": A1, f"{NS2}.": ()}), below="example.xa")
    return world


def test_zone_without_a_working_server_is_lame() -> None:
    assert findings(refused_everywhere(), "consistency05") == [("CS05_CHILD_ZONE_LAME", {"servers": BOTH})]


def test_glue_that_one_parent_server_lacks_is_reported_with_this_server() -> None:
    assert findings(glue_at_one_parent(), "consistency05") == [
        ("CS05_DELEGATION", {"ns_set_servers": [S1, {"ns": NS2}], "servers": [PARENT2]}),
        ("CS05_DELEGATION", {"ns_set_servers": [S1, S2], "servers": [PARENT1]}),
        no_glue(NS2, PARENT2),
    ]


def test_supplied_name_without_address_is_reported() -> None:
    found = findings(example_world(), "consistency05", supplied={NS1: (A1,), NS2: ()})
    assert found == [("CS05_MISSING_GLUE_FOR_NS_UNDEL", {"ns": NS2})]


def test_supplied_name_of_the_root_without_address_is_reported() -> None:
    world = example_world()
    supplied = {"a.root.example": (next(iter(world.zones[dns.name.root].addresses)),), "b.root.example": ()}
    assert ("CS05_MISSING_GLUE_FOR_ROOT_NS", {"ns": "b.root.example"}) in findings(
        world, "consistency05", zone=".", supplied=supplied
    )


def test_name_with_old_and_right_glue_has_one_finding() -> None:
    world = delegated_to({NS1: (A1, OTHER), NS2: A2}, records="ns1 A 127.9.1.2")
    served_at(world, OTHER, "127.9.1.2")
    both = [{"ns": NS1, "address": address} for address in (A1, "127.9.1.2")]
    glue = [{"ns": NS1, "address": address} for address in (A1, OTHER)]
    assert findings(world, "consistency05") == [
        ("CS05_ID_ADDR_MISMATCH", {"ns": NS1, "parent_servers": glue, "zone_servers": both})
    ]


def test_referral_counts_although_it_claims_authority() -> None:
    found = findings(referral_with_aa(), "consistency05")
    assert found[0] == DELEGATIONS_DIFFER


def test_referral_that_may_be_cut_is_asked_for_with_edns() -> None:
    many = {f"name-server-number-{number}.example.xa": f"127.9.{number}.1" for number in range(10, 23)}
    world = example_world(ns=many)
    assert findings(world, "consistency05") == [NO_MISMATCH]
    queries = world.server("127.8.1.1").asked("example.xa", "NS")
    assert [(query.transport, query.payload) for query in queries] == [("udp", 512), ("udp", 1232)]


def test_silent_server_is_reported_with_the_older_tags_only() -> None:
    world = example_world()
    world.server(A1).set(udp=False, tcp=False)
    assert findings(world, "consistency05", zonemaster_tags="2025.2") == [("NO_RESPONSE", S1), MATCH]
    assert findings(world, "consistency05") == [NO_MISMATCH]
