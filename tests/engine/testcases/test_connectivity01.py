"""CONNECTIVITY01 and 02: the same faults over UDP and over TCP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.message
import dns.name
import pytest

from tests.engine.testcases.aliases import ALIAS_SCENARIOS, alias_findings
from tests.support.case_runs import A1, A2, NS1, NS2, S1, S2, V6, Found, example_world, findings
from tests.support.dnsworld import Fault, Server, World, faults

CASES = {"connectivity01": ("CN01", "UDP"), "connectivity02": ("CN02", "TCP")}


def owned_by(owner: str) -> Fault:
    """Answer with records of another owner."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        for rrset in message.answer:
            rrset.name = dns.name.from_text(owner)
        return message

    return faults.on_message(edit)


def wrong(owner: str) -> dict[str, Any]:
    return {**S1, "domain_found": owner, "domain_expected": "example.xa"}


# the fault of the first server, and its findings, with CASE and WAY instead of case and transport
FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "silence": (lambda server: server.fault(faults.silence()), [("CASE_NO_RESPONSE_WAY", S1)]),
    "silence to SOA": (
        lambda server: server.fault(faults.silence(), qtype="SOA"),
        [("CASE_NO_RESPONSE_SOA_QUERY_WAY", S1)],
    ),
    "silence to NS": (
        lambda server: server.fault(faults.silence(), qtype="NS"),
        [("CASE_NO_RESPONSE_NS_QUERY_WAY", S1)],
    ),
    "errors": (
        lambda server: server.fault(faults.rcode("REFUSED"), qtype="SOA").fault(faults.rcode("SERVFAIL"), qtype="NS"),
        [
            ("CASE_UNEXPECTED_RCODE_SOA_QUERY_WAY", {**S1, "rcode": "REFUSED"}),
            ("CASE_UNEXPECTED_RCODE_NS_QUERY_WAY", {**S1, "rcode": "SERVFAIL"}),
        ],
    ),
    "no records": (
        lambda server: server.fault(faults.empty_answer()),
        [("CASE_MISSING_SOA_RECORD_WAY", S1), ("CASE_MISSING_NS_RECORD_WAY", S1)],
    ),
    "records of another zone": (
        lambda server: server.fault(owned_by("other.xa"), qtype="SOA").fault(owned_by("xa"), qtype="NS"),
        [("CASE_WRONG_SOA_RECORD_WAY", wrong("other.xa")), ("CASE_WRONG_NS_RECORD_WAY", wrong("xa"))],
    ),
    "no authority": (
        lambda server: server.fault(faults.no_aa()),
        [("CASE_SOA_RECORD_NOT_AA_WAY", S1), ("CASE_NS_RECORD_NOT_AA_WAY", S1)],
    ),
}


def named(found: Found, case_id: str) -> Found:
    prefix, transport = CASES[case_id]
    return found[0].replace("CASE", prefix).replace("WAY", transport), found[1]


def good(case_id: str, *servers: dict[str, str]) -> Found:
    return named(("CASE_OK_WAY", {"servers": list(servers)}), case_id)


@pytest.mark.parametrize("case_id", CASES)
@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_faulty_server_next_to_a_good_one(
    case_id: str, break_server: Callable[[Server], object], expected: list[Found]
) -> None:
    world = example_world(apex_ns=[NS1, NS2])
    break_server(world.server(A1))
    assert findings(world, case_id) == [*(named(found, case_id) for found in expected), good(case_id, S2)]


@pytest.mark.parametrize("case_id", CASES)
def test_good_servers(case_id: str) -> None:
    assert findings(example_world(), case_id) == [good(case_id, S1, S2)]


@pytest.mark.parametrize(("case_id", "missing"), [("connectivity01", "udp"), ("connectivity02", "tcp")])
def test_server_that_listens_on_the_other_transport_only(case_id: str, missing: str) -> None:
    world = example_world()
    world.server(A1).set(**{missing: False})
    assert findings(world, case_id) == [named(("CASE_NO_RESPONSE_WAY", S1), case_id), good(case_id, S2)]


def skipped(family: str, server: dict[str, str]) -> list[Found]:
    return [(f"{family}_DISABLED", {**server, "query_type": query_type}) for query_type in ("SOA", "NS")]


def two_families() -> World:
    """The server has an IPv4 address, and according to the zone also an IPv6 address."""
    return example_world(ns={NS1: A1}, records="ns1 AAAA ::1")


S1_V6 = {"ns": NS1, "address": V6}


@pytest.mark.parametrize("case_id", CASES)
def test_servers_over_ipv6_are_left_out(case_id: str) -> None:
    expected: list[Found] = [*skipped("IPV6", S1_V6), good(case_id, S1)]
    if case_id == "connectivity01":
        expected.insert(0, ("CN01_IPV6_DISABLED", {"servers": [S1_V6]}))
    assert findings(two_families(), case_id, ipv6=False) == expected


@pytest.mark.parametrize("case_id", CASES)
def test_servers_over_ipv4_are_left_out(case_id: str) -> None:
    expected = skipped("IPV4", S1) + skipped("IPV4", S2)
    if case_id == "connectivity01":
        expected.insert(0, ("CN01_IPV4_DISABLED", {"servers": [S1, S2]}))
    assert (
        findings(example_world(), case_id, zone="example.xa", ipv4=False, supplied={NS1: (A1,), NS2: (A2,)}) == expected
    )


@pytest.mark.parametrize(("build", "expected"), ALIAS_SCENARIOS.values(), ids=ALIAS_SCENARIOS)
def test_alias_of_a_name_server_is_reported(build: Callable[[], World], expected: Found) -> None:
    assert alias_findings(findings(build(), "connectivity01")) == [expected]
