"""The DNSSEC cases skip servers of a disabled address family, and report it."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, A2, NS1, NS2, V6, findings
from tests.support.dnssec_worlds import secure
from tests.support.dnsworld import Signing, World

CHILD_TYPES = {
    "dnssec02": ("DNSKEY",),  # the parent's servers have all answered, so none of them is skipped
    "dnssec03": ("DNSKEY", "NSEC"),
    "dnssec05": ("DNSKEY",),
    "dnssec07": ("SOA", "DNSKEY", "DS"),
    "dnssec08": ("DNSKEY",),
    "dnssec09": ("DNSKEY", "SOA"),
    "dnssec10": ("DNSKEY", "NSEC", "NSEC3PARAM"),
    "dnssec11": ("SOA", "DNSKEY"),
    "dnssec13": ("DNSKEY", "SOA", "NS"),
    "dnssec14": ("DNSKEY",),
    "dnssec15": ("CDS", "CDNSKEY"),
    "dnssec16": ("CDS", "DNSKEY"),
    "dnssec17": ("CDNSKEY", "DNSKEY"),
    "dnssec18": ("CDS", "CDNSKEY", "DNSKEY"),
    "dnssec19": ("DNSKEY",),
    "dnssec20": ("DNSKEY",),
    "dnssec22": ("A",),
    "dnssec23": ("A",),
}


@pytest.mark.parametrize("case_id", CHILD_TYPES)
def test_ipv6_off(case_id: str) -> None:
    world = secure(Signing(publish_cds=True), ns={NS1: [A1, V6], NS2: A2})
    found = findings(world, case_id, ipv6=False)
    skipped = [args for tag, args in found if tag == "IPV6_DISABLED"]
    types = CHILD_TYPES[case_id]
    assert skipped == [{"ns": NS1, "address": V6, "query_type": query_type} for query_type in types]
    # these cases report nothing about good records
    assert len(found) > len(skipped) or case_id in {"dnssec16", "dnssec17"}


def test_ipv6_off_before_the_signals() -> None:
    world = World()
    world.zone(".", signed=True)
    world.zone("xa", signed=True)
    world.zone("example.xa", ns={NS1: [A1, V6]}, signed=True, delegation=False)
    found = findings(world, "dnssec24", ipv6=False, supplied={NS1: (A1, V6)})
    assert [args["query_type"] for tag, args in found if tag == "IPV6_DISABLED"] == ["CDS", "CDNSKEY"]


@pytest.mark.parametrize("case_id", CHILD_TYPES)
def test_ipv4_off(case_id: str) -> None:
    found = findings(secure(), case_id, ipv4=False, supplied={NS1: (A1,)}, ds=())
    skipped = [args for tag, args in found if tag == "IPV4_DISABLED"]
    if case_id in {
        "dnssec02",
        "dnssec11",
        "dnssec18",
        "dnssec22",
    }:  # without DS data these cases do not query the zone's servers
        assert skipped == []
    else:
        types = CHILD_TYPES[case_id]
        assert skipped == [{"ns": NS1, "address": A1, "query_type": query_type} for query_type in types]


def over_ipv6() -> World:
    """Describe a chain of trust that is reachable over IPv6, too."""
    world = World()
    world.zone(".", ns={"ns1": ["127.201.0.1", V6]}, signed=True)
    world.zone("xa", ns={"ns1.nic.xa": ["127.8.1.1", V6]}, signed=True)
    world.zone("example.xa", ns={NS1: [A1, V6]}, signed=Signing(publish_cds=True))
    return world


@pytest.mark.parametrize(
    ("case_id", "types"),
    [
        ("dnssec02", ("DNSKEY",)),
        ("dnssec11", ("SOA", "DNSKEY")),
        ("dnssec18", ("CDS", "CDNSKEY", "DNSKEY")),
    ],
)
def test_ipv4_off_below_a_parent_that_has_ipv6(case_id: str, types: tuple[str, ...]) -> None:
    found = findings(over_ipv6(), case_id, ipv4=False)
    skipped = [args for tag, args in found if tag == "IPV4_DISABLED"]
    assert skipped == [{"ns": NS1, "address": A1, "query_type": query_type} for query_type in types]
    assert len(found) > len(skipped)


def test_ipv4_off_before_the_signals() -> None:
    found = findings(over_ipv6(), "dnssec24", ipv4=False, supplied={NS1: (A1, V6)})
    assert [args["query_type"] for tag, args in found if tag == "IPV4_DISABLED"] == ["CDS", "CDNSKEY"]


@pytest.mark.parametrize("case_id", ["dnssec01", "dnssec21"])
def test_servers_of_the_parent_are_those_that_answered(case_id: str) -> None:
    """These two cases query only servers of the parent, and have no server to skip."""
    found = findings(over_ipv6(), case_id, ipv4=False)
    assert found
    assert not any(tag == "IPV4_DISABLED" for tag, _ in found)
