"""NAMESERVER12: handling of unknown EDNS flags."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Exchange, Fault, Server, faults

GOOD2: Found = ("Z_FLAGS_CLEAR", {"servers": [S2]})


def with_flags(exchange: Exchange) -> bool:
    return exchange.query is not None and bool(exchange.query.ednsflags & 0x7FFF)


def on_flags(fault: Fault) -> Callable[[Server], object]:
    return lambda server: server.fault(fault, when=with_flags)


FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "cleared": (lambda server: None, [("Z_FLAGS_CLEAR", {"servers": BOTH})]),
    "sent back": (on_flags(faults.edns(ednsflags=3)), [("Z_FLAGS_NOTCLEAR", S1), GOOD2]),
    "one of them sent back": (on_flags(faults.edns(ednsflags=1)), [("Z_FLAGS_NOTCLEAR", S1), GOOD2]),
    "format error": (on_flags(faults.rcode("FORMERR")), [("NO_EDNS_SUPPORT", S1), GOOD2]),
    "another error": (on_flags(faults.rcode("SERVFAIL")), [("NS_ERROR", S1), GOOD2]),
    "no SOA record": (on_flags(faults.empty_answer()), [("NS_ERROR", S1), GOOD2]),
    "no EDNS": (on_flags(faults.without_edns()), [("NS_ERROR", S1), GOOD2]),
    "silence": (on_flags(faults.silence()), [("NO_RESPONSE", {**S1, "domain": "example.xa"}), GOOD2]),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver12(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    break_server(world.server(A1))
    assert findings(world, "nameserver12") == expected
