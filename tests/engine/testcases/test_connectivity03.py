"""CONNECTIVITY03: the autonomous systems that announce the addresses."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, A2, NS1, NS2, Found, example_world, findings
from tests.support.dnsworld import World, faults

SOURCE = "asnlookup.zonemaster.net"
SOURCE_SERVER = "127.9.5.1"
B1, B2 = "2001:db8:1::53", "2001:db8:2::53"
NIBBLES = {B1: "1.0.0.0.8.b.d.0.1.0.0.2", B2: "2.0.0.0.8.b.d.0.1.0.0.2"}


def origin_world(*records: str, ipv6: bool = False) -> World:
    """A zone with two servers, with `ipv6` at B1 and B2 as well, and an AS database with these records."""
    world = example_world(records=f"ns1 AAAA {B1}\nns2 AAAA {B2}" if ipv6 else "")
    world.zone(SOURCE, ns={f"ns1.{SOURCE}": SOURCE_SERVER}, records="\n".join(records))
    return world


def v4(part: int, asns: str) -> str:
    return f'*.{part}.9.127.origin TXT "{asns} | 127.9.{part}.0/24 | ZZ | none | 2026-01-01"'


def v6(address: str, asns: str) -> str:
    number = address.split(":")[2]
    return f'*.{NIBBLES[address]}.origin6 TXT "{asns} | 2001:db8:{number}::/48 | ZZ | none | 2026-01-01"'


def asn_findings(address: str, asns: list[int], prefix: str) -> list[Found]:
    raw = f"{' '.join(map(str, asns))} | {prefix} | ZZ | none | 2026-01-01"
    return [
        ("ASN_INFOS_RAW", {"address": address, "data": raw}),
        ("ASN_INFOS_ANNOUNCE_BY", {"address": address, "asns": asns}),
        ("ASN_INFOS_ANNOUNCE_IN", {"address": address, "prefixes": [prefix]}),
    ]


def ipv4_findings(first: list[int], second: list[int]) -> list[Found]:
    return asn_findings(A1, first, "127.9.1.0/24") + asn_findings(A2, second, "127.9.2.0/24")


def ipv6_findings(first: list[int], second: list[int]) -> list[Found]:
    return asn_findings(B1, first, "2001:db8:1::/48") + asn_findings(B2, second, "2001:db8:2::/48")


ONE, TWO = (v4(1, "64500"), v4(2, "64500")), (v6(B1, "64600"), v6(B2, "64600"))

SCENARIOS: dict[str, tuple[World, list[Found]]] = {
    "one AS": (origin_world(*ONE), [*ipv4_findings([64500], [64500]), ("IPV4_ONE_ASN", {"asn": 64500})]),
    "the same group of AS": (
        origin_world(v4(1, "64500 64501"), v4(2, "64501 64500")),
        [
            ("ASN_INFOS_RAW", {"address": A1, "data": "64500 64501 | 127.9.1.0/24 | ZZ | none | 2026-01-01"}),
            ("ASN_INFOS_ANNOUNCE_BY", {"address": A1, "asns": [64500, 64501]}),
            ("ASN_INFOS_ANNOUNCE_IN", {"address": A1, "prefixes": ["127.9.1.0/24"]}),
            ("ASN_INFOS_RAW", {"address": A2, "data": "64501 64500 | 127.9.2.0/24 | ZZ | none | 2026-01-01"}),
            ("ASN_INFOS_ANNOUNCE_BY", {"address": A2, "asns": [64500, 64501]}),
            ("ASN_INFOS_ANNOUNCE_IN", {"address": A2, "prefixes": ["127.9.2.0/24"]}),
            ("IPV4_SAME_ASN", {"asns": [64500, 64501]}),
        ],
    ),
    "different AS, sorted as numbers": (
        origin_world(v4(1, "64500"), v4(2, "701")),
        [*ipv4_findings([64500], [701]), ("IPV4_DIFFERENT_ASN", {"asns": [701, 64500]})],
    ),
    "different groups with a common AS": (
        origin_world(v4(1, "64500"), v4(2, "64500 64501")),
        [*ipv4_findings([64500], [64500, 64501]), ("IPV4_DIFFERENT_ASN", {"asns": [64500, 64501]})],
    ),
    "an address that nobody announces does not count": (
        origin_world(v4(1, "64500")),
        [
            *asn_findings(A1, [64500], "127.9.1.0/24"),
            ("EMPTY_ASN_SET", {"address": A2}),
            ("IPV4_ONE_ASN", {"asn": 64500}),
        ],
    ),
    "no database": (
        example_world(),
        [("ERROR_ASN_DATABASE", {"address": A1}), ("ERROR_ASN_DATABASE", {"address": A2})],
    ),
    "one AS over IPv6": (
        origin_world(*ONE, *TWO, ipv6=True),
        [
            *ipv4_findings([64500], [64500]),
            *ipv6_findings([64600], [64600]),
            ("IPV4_ONE_ASN", {"asn": 64500}),
            ("IPV6_ONE_ASN", {"asn": 64600}),
        ],
    ),
    "different AS over IPv6": (
        origin_world(*ONE, v6(B1, "64600"), v6(B2, "64601"), ipv6=True),
        [
            *ipv4_findings([64500], [64500]),
            *ipv6_findings([64600], [64601]),
            ("IPV4_ONE_ASN", {"asn": 64500}),
            ("IPV6_DIFFERENT_ASN", {"asns": [64600, 64601]}),
        ],
    ),
    "the same group of AS over IPv6": (
        origin_world(*ONE, v6(B1, "64600 64601"), v6(B2, "64600 64601"), ipv6=True),
        [
            *ipv4_findings([64500], [64500]),
            *ipv6_findings([64600, 64601], [64600, 64601]),
            ("IPV4_ONE_ASN", {"asn": 64500}),
            ("IPV6_SAME_ASN", {"asns": [64600, 64601]}),
        ],
    ),
}


@pytest.mark.parametrize(("world", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_connectivity03(world: World, expected: list[Found]) -> None:
    assert findings(world, "connectivity03") == expected


def test_one_address_with_two_names_is_looked_up_once() -> None:
    world = example_world(ns={NS1: A1, NS2: A1})
    world.zone(SOURCE, ns={f"ns1.{SOURCE}": SOURCE_SERVER}, records=v4(1, "64500"))
    assert findings(world, "connectivity03") == [
        *asn_findings(A1, [64500], "127.9.1.0/24"),
        ("IPV4_ONE_ASN", {"asn": 64500}),
    ]
    assert len([query for query in world.server(SOURCE_SERVER).log if query.type == "TXT"]) == 1


def test_database_that_fails_is_said_to_be_unknown() -> None:
    world = origin_world(*ONE)
    world.server(SOURCE_SERVER).fault(faults.rcode("SERVFAIL"), qtype="TXT")
    assert [tag for tag, _ in findings(world, "connectivity03")] == ["ERROR_ASN_DATABASE", "ERROR_ASN_DATABASE"]


@pytest.mark.parametrize(
    ("asns", "verdict"),
    [
        pytest.param(["64500", "64500", "64500"], [], id="one AS"),
        pytest.param(["64500 64501", "64500 64501", "64500"], [], id="one group of AS"),
        pytest.param(["64500", "64501", "64500"], [("IPV4_DIFFERENT_ASN", {"asns": [64500, 64501]})], id="two AS"),
    ],
)
def test_address_whose_look_up_failed_may_belong_to_any_as(asns: list[str], verdict: list[Found]) -> None:
    world = example_world(ns={NS1: A1, NS2: A2, "ns3.example.xa": "127.9.3.1"})
    records = [v4(part, numbers) for part, numbers in enumerate(asns, start=1)]
    world.zone(SOURCE, ns={f"ns1.{SOURCE}": SOURCE_SERVER}, records="\n".join(records))
    world.server(SOURCE_SERVER).fault(faults.rcode("SERVFAIL"), below=f"3.9.127.origin.{SOURCE}")
    found = findings(world, "connectivity03")
    assert ("ERROR_ASN_DATABASE", {"address": "127.9.3.1"}) in found
    assert [each for each in found if each[0].startswith("IPV4_")] == verdict
