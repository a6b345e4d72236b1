"""NAMESERVER13: EDNS in truncated responses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Fault, Server, faults

GOOD2: Found = ("N13_EDNS_RESPONSE_OK", {"servers": [S2]})


def on_dnskey(*several: Fault) -> Callable[[Server], object]:
    def break_server(server: Server) -> None:
        for fault in several:
            server.fault(fault, qtype="DNSKEY", transport="udp")

    return break_server


FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "good": (lambda server: None, [("N13_EDNS_RESPONSE_OK", {"servers": BOTH})]),
    "truncated with EDNS": (on_dnskey(faults.truncated()), [("N13_EDNS_RESPONSE_OK", {"servers": BOTH})]),
    "truncated without EDNS": (
        on_dnskey(faults.truncated(), faults.without_edns()),
        [("MISSING_OPT_IN_TRUNCATED", S1), GOOD2],
    ),
    "whole without EDNS": (on_dnskey(faults.without_edns()), [("NS_ERROR", S1), GOOD2]),
    "format error without EDNS": (
        on_dnskey(faults.rcode("FORMERR"), faults.without_edns()),
        [("NO_EDNS_SUPPORT", S1), GOOD2],
    ),
    "format error with EDNS": (on_dnskey(faults.rcode("FORMERR")), [("NS_ERROR", S1), GOOD2]),
    "another version": (on_dnskey(faults.edns(version=1)), [("NS_ERROR", S1), GOOD2]),
    "silence": (on_dnskey(faults.silence()), [("NO_RESPONSE", {**S1, "domain": "example.xa"}), GOOD2]),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver13(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    break_server(world.server(A1))
    assert findings(world, "nameserver13") == expected


def test_question_leaves_room_for_512_octets_and_wants_signatures() -> None:
    world = example_world()
    findings(world, "nameserver13")
    (asked,) = world.server(A1).asked("example.xa", "DNSKEY")
    assert (asked.edns, asked.payload, asked.dnssec_ok, asked.transport) == (0, 512, True, "udp")
