"""NAMESERVER02: support of EDNS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Fault, Server, faults

WITH_DOMAIN = {**S1, "domain": "example.xa"}
S2_GOOD: Found = ("EDNS0_SUPPORT", {"servers": [S2]})


def format_error() -> list[Fault]:
    return [faults.rcode("FORMERR"), faults.without_edns()]


def broken(*several: Fault) -> Callable[[Server], object]:
    def break_server(server: Server) -> None:
        for fault in several:
            server.fault(fault, edns=True)

    return break_server


FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "good": (broken(), [("EDNS0_SUPPORT", {"servers": BOTH})]),
    "silent to EDNS": (broken(faults.silence()), [("BREAKS_ON_EDNS", WITH_DOMAIN)]),
    "silent at all": (
        lambda server: server.fault(faults.silence()),
        [("NO_RESPONSE", WITH_DOMAIN), S2_GOOD],
    ),
    "does not support EDNS": (broken(*format_error()), [("NO_EDNS_SUPPORT", S1)]),
    "answers without EDNS": (broken(faults.without_edns()), [("EDNS_RESPONSE_WITHOUT_EDNS", WITH_DOMAIN)]),
    "answers with another version": (broken(faults.edns(version=1)), [("EDNS_VERSION_ERROR", WITH_DOMAIN)]),
    "answers with an error": (broken(faults.rcode("SERVFAIL")), [("NS_ERROR", S1)]),
    "format error in EDNS": (broken(faults.rcode("FORMERR")), [("NS_ERROR", S1)]),
    "answers without SOA record": (broken(faults.empty_answer()), [("NS_ERROR", S1)]),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver02(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    break_server(world.server(A1))
    assert findings(world, "nameserver02") == expected
