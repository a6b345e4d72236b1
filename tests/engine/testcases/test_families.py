"""Servers of a disabled address family are skipped, and each case reports it."""

from __future__ import annotations

import pytest

from tests.support.case_runs import A1, NS1, S1, V6, Found, example_world, findings

QUERY_TYPES = {
    "connectivity01": ("SOA", "NS"),
    "connectivity02": ("SOA", "NS"),
    "connectivity05": ("DNSKEY",),
    "nameserver01": ("A",),
    "nameserver02": ("SOA",),
    "nameserver03": ("AXFR",),
    "nameserver04": ("SOA",),
    "nameserver05": ("A",),
    "nameserver07": ("NS",),
    "nameserver08": ("SOA",),
    "nameserver09": ("SOA",),
    "nameserver10": ("SOA",),
    "nameserver11": ("SOA",),
    "nameserver12": ("SOA",),
    "nameserver13": ("DNSKEY",),
    "nameserver15": ("SOA", "TXT"),
    "nameserver16": ("SOA",),
    "nameserver17": ("SOA",),
    "nameserver18": ("SOA",),
    "zone01": ("SOA",),
    "zone09": ("MX",),
    "zone10": ("SOA",),
    "zone11": ("TXT",),
    "zone12": ("CSYNC",),
    "zone14": ("ZONEMD",),
    "zone15": ("CAA",),
}


def skipped(tag: str, server: dict[str, str], case_id: str) -> list[Found]:
    return [(tag, {**server, "query_type": query_type}) for query_type in QUERY_TYPES[case_id]]


def transport_findings(found: list[Found]) -> list[Found]:
    return [finding for finding in found if finding[0] in {"IPV4_DISABLED", "IPV6_DISABLED"}]


@pytest.mark.parametrize("case_id", QUERY_TYPES)
def test_ipv6_off(case_id: str) -> None:
    world = example_world(ns={NS1: A1}, records="ns1 AAAA ::1")
    expected = skipped("IPV6_DISABLED", {"ns": NS1, "address": V6}, case_id)
    found = findings(world, case_id, ipv6=False)
    assert transport_findings(found) == expected
    assert len(found) > len(expected)


@pytest.mark.parametrize("case_id", QUERY_TYPES)
def test_ipv4_off(case_id: str) -> None:
    world = example_world()
    found = findings(world, case_id, ipv4=False, supplied={NS1: (A1,)})
    assert transport_findings(found) == skipped("IPV4_DISABLED", S1, case_id)
    assert not world.server(A1).log
