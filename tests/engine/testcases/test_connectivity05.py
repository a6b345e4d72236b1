"""CONNECTIVITY05: whether the DNSKEY answer arrives, depending on its size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest

from gonemaster_engine.net.server.repeats import MAX_REPEATS
from tests.support.case_runs import A1, A2, BOTH, NS1, S1, S2, V6, Found, example_world, findings
from tests.support.dnsworld import Exchange, Fault, World, faults

SMALL_TEXT, LARGE_TEXT, HUGE_TEXT = 600, 1800, 4500  # octets


def answer_of(octets: int) -> Fault:
    """Answer with that much additional data, truncated if it does not fit."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        texts = [f'"{"x" * 200}"'] * 2
        owner = message.question[0].name
        size = 0
        while size < octets:
            texts[0] = f'"{size:04d}{"x" * 196}"'
            message.answer.append(dns.rrset.from_text(owner, 60, "IN", "TXT", texts[0]))
            size += 213
        return message

    return faults.on_message(edit)


def large(octets: int) -> World:
    world = example_world(signed=True)
    for address in (A1, A2):
        world.server(address).fault(answer_of(octets), qtype="DNSKEY", spoils=False)
    return world


def payload_above(octets: int) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.transport == "udp" and bool(exchange.query and exchange.query.payload > octets)


def with_fault(fault: Fault, *, octets: int = LARGE_TEXT, **conditions: Any) -> World:
    world = large(octets)
    world.server(A1).fault(fault, qtype="DNSKEY", **conditions)
    return world


def shapes(found: list[Found]) -> list[tuple[str, int, list[dict[str, str]]]]:
    """Remove sizes, which depend on the keys."""
    assert all(args["query_type"] == "DNSKEY" and args["size"] > 0 for _, args in found)
    return [(tag, args["payload"], args["servers"]) for tag, args in found]


NEEDS_TCP = ("CN05_ANSWER_NEEDS_TCP", 1232, BOTH)

SCENARIOS: dict[str, tuple[World, list[tuple[str, int, list[dict[str, str]]]]]] = {
    "small": (large(SMALL_TEXT), [("CN05_ANSWER_FITS_UDP", 1232, BOTH)]),
    "large, delivered over UDP when it may be": (
        large(LARGE_TEXT),
        [NEEDS_TCP, ("CN05_LARGE_ANSWER_DELIVERED_UDP", 2304, BOTH)],
    ),
    "larger than what is ever announced": (large(HUGE_TEXT), [NEEDS_TCP]),
    "large, lost over UDP": (
        with_fault(faults.silence(), when=payload_above(1232)),
        [
            NEEDS_TCP,
            ("CN05_LARGE_ANSWER_DELIVERED_UDP", 2304, [S2]),
            ("CN05_LARGE_ANSWER_NO_UDP_ANSWER", 2304, [S1]),
        ],
    ),
    "large, truncated although it would fit": (
        with_fault(faults.truncated(), when=payload_above(1232)),
        [NEEDS_TCP, ("CN05_LARGE_ANSWER_DELIVERED_UDP", 2304, [S2]), ("CN05_SERVER_CAPS_UDP_ANSWER", 2304, [S1])],
    ),
    "refused after the first answers": (
        with_fault(faults.rcode("REFUSED"), when=payload_above(1232), spoils=False),
        [NEEDS_TCP, ("CN05_LARGE_ANSWER_DELIVERED_UDP", 2304, [S2])],
    ),
    "truncated over TCP": (
        with_fault(faults.truncated(), transport="tcp"),
        [
            ("CN05_ANSWER_NEEDS_TCP", 1232, [S2]),
            ("CN05_LARGE_ANSWER_DELIVERED_UDP", 2304, [S2]),
            ("CN05_TCP_ANSWER_TRUNCATED", 1232, [S1]),
        ],
    ),
    "lost when larger than 512 octets": (
        with_fault(faults.silence(), octets=SMALL_TEXT, when=payload_above(512)),
        [("CN05_ANSWER_FITS_UDP", 1232, [S2]), ("CN05_UDP_LOSS_SIZE_DEPENDENT", 1232, [S1])],
    ),
    "lost whatever its size": (
        with_fault(faults.silence(), octets=SMALL_TEXT, transport="udp"),
        [("CN05_ANSWER_FITS_UDP", 1232, [S2])],
    ),
    "no TCP": (
        with_fault(faults.silence(), transport="tcp"),
        [("CN05_ANSWER_NEEDS_TCP", 1232, [S2]), ("CN05_LARGE_ANSWER_DELIVERED_UDP", 2304, [S2])],
    ),
    "error": (
        with_fault(faults.rcode("REFUSED"), octets=SMALL_TEXT),
        [("CN05_ANSWER_FITS_UDP", 1232, [S2])],
    ),
}


@pytest.mark.parametrize(("world", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_connectivity05(world: World, expected: list[tuple[str, int, list[dict[str, str]]]]) -> None:
    assert shapes(findings(world, "connectivity05")) == expected


def test_size_is_that_of_the_message() -> None:
    found = findings(example_world(), "connectivity05")
    query_and_soa = 12 + len(b"\x07example\x02xa\x00") + 4
    assert found[0][1]["size"] > query_and_soa
    assert found[0][1]["size"] < 512


def test_largest_answer_is_named_for_servers_with_different_ones() -> None:
    world = large(SMALL_TEXT)
    world.server(A2).fault(answer_of(200), qtype="DNSKEY")
    sizes = {tag: args["size"] for tag, args in findings(world, "connectivity05")}
    alone = {tag: args["size"] for tag, args in findings(large(SMALL_TEXT), "connectivity05")}
    assert sizes["CN05_ANSWER_FITS_UDP"] > alone["CN05_ANSWER_FITS_UDP"]


def test_truncated_answer_is_fetched_over_tcp_when_the_profile_has_no_fallback() -> None:
    assert shapes(findings(large(LARGE_TEXT), "connectivity05", fallback=False))[0] == NEEDS_TCP


def test_families_that_are_off_are_left_out() -> None:
    world = example_world(ns={NS1: A1}, records="ns1 AAAA ::1")
    skipped = ("IPV6_DISABLED", {"ns": NS1, "address": V6, "query_type": "DNSKEY"})
    assert findings(world, "connectivity05", ipv6=False)[0] == skipped
    skipped = ("IPV4_DISABLED", {**S1, "query_type": "DNSKEY"})
    assert findings(example_world(), "connectivity05", ipv4=False, supplied={NS1: (A1,)}) == [skipped]


def test_probes_have_few_transmissions() -> None:
    world = with_fault(faults.silence(), when=payload_above(1232))
    assert findings(world, "connectivity05", retry=3, retrans_s=1)
    probes = [query.server for query in world.log if query.payload > 1232]
    assert set(probes) == {A1, A2}
    assert len(probes) <= 2 * (1 + MAX_REPEATS)
