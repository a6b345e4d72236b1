"""NAMESERVER10: handling of an unknown EDNS version."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
import dns.rcode
import pytest

from tests.support.case_runs import A1, A2, Found, example_world, findings
from tests.support.dnsworld import Exchange, Fault, Server, faults


def with_version_1(exchange: Exchange) -> bool:
    return exchange.query is not None and exchange.query.edns == 1


def on_version_1(fault: Fault) -> Callable[[Server], object]:
    return lambda server: server.fault(fault, when=with_version_1)


def bad_version(**edns: int) -> Fault:
    """Answer BADVERS, but in an incorrect form."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        message.use_edns(edns.get("version", 0), edns.get("flags", 0), 1232)
        message.set_rcode(dns.rcode.BADVERS)
        return message

    return faults.on_message(edit)


SOA_ANSWER = "example.xa. NS ns1.example.xa.\n"
GOOD2: Found = ("N10_EDNS_VERSION_OK", {"addresses": [A2]})

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "refused": (lambda server: None, [("N10_EDNS_VERSION_OK", {"addresses": [A1, A2]})]),
    "silence": (
        on_version_1(faults.silence()),
        [("N10_NO_RESPONSE_EDNS1_QUERY", {"addresses": [A1]}), GOOD2],
    ),
    "taken for a known version": (
        on_version_1(faults.edns(version=0)),
        [GOOD2, ("N10_UNEXPECTED_RCODE", {"rcode": "NOERROR", "addresses": [A1]})],
    ),
    "another error": (
        on_version_1(faults.rcode("FORMERR")),
        [GOOD2, ("N10_UNEXPECTED_RCODE", {"rcode": "FORMERR", "addresses": [A1]})],
    ),
    "refused in the unknown version": (
        on_version_1(bad_version(version=1)),
        [("N10_EDNS_RESPONSE_ERROR", {"addresses": [A1]}), GOOD2],
    ),
    "refused with an answer": (
        on_version_1(faults.answers(answer=SOA_ANSWER)),
        [("N10_EDNS_RESPONSE_ERROR", {"addresses": [A1]}), GOOD2],
    ),
    "no EDNS at all is not tested": (lambda server: server.fault(faults.rcode("FORMERR"), edns=True), [GOOD2]),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver10(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    break_server(world.server(A1))
    assert findings(world, "nameserver10") == expected
