"""CONNECTIVITY04: the announced prefixes that contain the addresses."""

from __future__ import annotations

import pytest

from tests.engine.testcases.test_connectivity03 import B1, B2, NIBBLES, SOURCE, SOURCE_SERVER, origin_world, v4, v6
from tests.support.case_runs import A1, A2, BOTH, NS1, NS2, S1, Found, example_world, findings
from tests.support.dnsworld import World, faults

B1_SERVER, B2_SERVER = {"ns": NS1, "address": B1}, {"ns": NS2, "address": B2}
WIDE4 = '*.9.127.origin TXT "64500 | 127.9.0.0/16 | ZZ | none | 2026-01-01"'
WIDE6 = [f'*.{nibbles}.origin6 TXT "64600 | 2001:db8::/32 | ZZ | none | 2026-01-01"' for nibbles in NIBBLES.values()]


def asn_findings(address: str, asn: int, prefix: str) -> list[Found]:
    raw = f"{asn} | {prefix} | ZZ | none | 2026-01-01"
    return [
        ("CN04_ASN_INFOS_RAW", {"address": address, "data": raw}),
        ("CN04_ASN_INFOS_ANNOUNCE_IN", {"address": address, "prefixes": [prefix]}),
    ]


APART4 = [*asn_findings(A1, 64500, "127.9.1.0/24"), *asn_findings(A2, 64501, "127.9.2.0/24")]
DIFFERENT4 = ("CN04_IPV4_DIFFERENT_PREFIX", {"servers": BOTH})

SCENARIOS: dict[str, tuple[World, list[Found]]] = {
    "apart": (origin_world(v4(1, "64500"), v4(2, "64501")), [*APART4, DIFFERENT4]),
    "together": (
        origin_world(WIDE4),
        [
            *asn_findings(A1, 64500, "127.9.0.0/16"),
            *asn_findings(A2, 64500, "127.9.0.0/16"),
            ("CN04_IPV4_SAME_PREFIX", {"prefixes": ["127.9.0.0/16"], "servers": BOTH}),
            ("CN04_IPV4_SINGLE_PREFIX", {}),
        ],
    ),
    "one is not announced, so the others are not all in one prefix": (
        origin_world(v4(1, "64500")),
        [
            *asn_findings(A1, 64500, "127.9.1.0/24"),
            ("CN04_EMPTY_PREFIX_SET", {"address": A2}),
            ("CN04_IPV4_DIFFERENT_PREFIX", {"servers": [S1]}),
        ],
    ),
    "no database": (
        example_world(),
        [("CN04_ERROR_PREFIX_DATABASE", {"address": A1}), ("CN04_ERROR_PREFIX_DATABASE", {"address": A2})],
    ),
    "apart over IPv6": (
        origin_world(v4(1, "64500"), v4(2, "64501"), v6(B1, "64600"), v6(B2, "64601"), ipv6=True),
        [
            *APART4,
            *asn_findings(B1, 64600, "2001:db8:1::/48"),
            *asn_findings(B2, 64601, "2001:db8:2::/48"),
            DIFFERENT4,
            ("CN04_IPV6_DIFFERENT_PREFIX", {"servers": [B1_SERVER, B2_SERVER]}),
        ],
    ),
    "together over IPv6": (
        origin_world(v4(1, "64500"), v4(2, "64501"), *WIDE6, ipv6=True),
        [
            *APART4,
            *asn_findings(B1, 64600, "2001:db8::/32"),
            *asn_findings(B2, 64600, "2001:db8::/32"),
            DIFFERENT4,
            ("CN04_IPV6_SAME_PREFIX", {"prefixes": ["2001:db8::/32"], "servers": [B1_SERVER, B2_SERVER]}),
            ("CN04_IPV6_SINGLE_PREFIX", {}),
        ],
    ),
}


@pytest.mark.parametrize(("world", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_connectivity04(world: World, expected: list[Found]) -> None:
    assert findings(world, "connectivity04") == expected


def test_address_whose_look_up_failed_may_be_in_another_prefix() -> None:
    """The official scenario ERROR-PREFIX-DATABASE-6."""
    world = origin_world(v4(1, "64500"))
    world.server(SOURCE_SERVER).fault(faults.rcode("SERVFAIL"), below=f"2.9.127.origin.{SOURCE}")
    assert findings(world, "connectivity04") == [
        *asn_findings(A1, 64500, "127.9.1.0/24"),
        ("CN04_ERROR_PREFIX_DATABASE", {"address": A2}),
        ("CN04_IPV4_DIFFERENT_PREFIX", {"servers": [S1]}),
    ]


def test_address_with_two_names_counts_once_under_the_first() -> None:
    world = example_world(ns={NS2: A1, NS1: A1})
    world.zone(SOURCE, ns={f"ns1.{SOURCE}": SOURCE_SERVER}, records=v4(1, "64500"))
    assert findings(world, "connectivity04")[2:] == [
        ("CN04_IPV4_DIFFERENT_PREFIX", {"servers": [S1]}),
        ("CN04_IPV4_SINGLE_PREFIX", {}),
    ]
