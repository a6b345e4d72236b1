"""NAMESERVER05: AAAA queries compared with A queries."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
import dns.rrset
import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Fault, Server, faults


def short_address() -> Fault:
    """Answer with an AAAA record that has the four octets of an IPv4 address."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        owner = message.question[0].name
        message.answer = [dns.rrset.from_text(owner, 60, "IN", "TYPE65280", r"\# 4 c0000201")]
        return message

    def as_aaaa(wire: bytes) -> bytes:
        return wire.replace((65280).to_bytes(2), (28).to_bytes(2))

    whole, octets = faults.on_message(edit), faults.on_wire(as_aaaa)

    def fault(reply: faults.Reply) -> faults.Reply | None:
        changed = whole(reply)
        return octets(changed) if changed else None

    return fault


ALL_GOOD: list[Found] = [("AAAA_WELL_PROCESSED", {"servers": BOTH})]

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "good": (lambda server: None, ALL_GOOD),
    "silent to AAAA": (
        lambda server: server.fault(faults.silence(), qtype="AAAA", qname="example.xa"),
        [("AAAA_QUERY_DROPPED", S1)],
    ),
    "error for AAAA": (
        lambda server: server.fault(faults.rcode("NXDOMAIN"), qtype="AAAA", qname="example.xa"),
        [("AAAA_UNEXPECTED_RCODE", {**S1, "rcode": "NXDOMAIN"})],
    ),
    "damaged address": (
        lambda server: server.fault(short_address(), qtype="AAAA", qname="example.xa"),
        [("AAAA_BAD_RDATA", {**S1, "length": 4})],
    ),
    "error for A": (
        lambda server: server.fault(faults.rcode("SERVFAIL"), qtype="A", qname="example.xa"),
        [
            ("A_UNEXPECTED_RCODE", {**S1, "rcode": "SERVFAIL"}),
            ("AAAA_WELL_PROCESSED", {"servers": [S2]}),
        ],
    ),
    "silent to A": (
        lambda server: server.fault(faults.silence(), qtype="A", qname="example.xa"),
        [("NO_RESPONSE", {**S1, "domain": "example.xa"}), ("AAAA_WELL_PROCESSED", {"servers": [S2]})],
    ),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver05(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world(records="@ A 192.0.2.1\n@ AAAA 2001:db8::1")
    break_server(world.server(A1))
    assert findings(world, "nameserver05") == expected


def test_zone_without_addresses_is_well_processed() -> None:
    assert findings(example_world(), "nameserver05") == ALL_GOOD
