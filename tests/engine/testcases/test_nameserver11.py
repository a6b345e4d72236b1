"""NAMESERVER11: handling of an unknown EDNS option."""

from __future__ import annotations

from collections.abc import Callable

import dns.edns
import pytest

from gonemaster_engine.testcases.nameserver.nameserver11 import UNKNOWN_OPTION
from tests.support.case_runs import A1, A2, Found, example_world, findings
from tests.support.dnsworld import Exchange, Fault, Server, faults

ECHO = dns.edns.GenericOption(dns.edns.OptionType.make(UNKNOWN_OPTION), b"")
OTHER = dns.edns.GenericOption(dns.edns.OptionType.NSID, b"server")
GOOD2: Found = ("N11_UNKNOWN_OPTION_OK", {"addresses": [A2]})


def with_option(exchange: Exchange) -> bool:
    return exchange.query is not None and any(option.otype == UNKNOWN_OPTION for option in exchange.query.options)


def on_option(fault: Fault) -> Callable[[Server], object]:
    return lambda server: server.fault(fault, when=with_option)


def about_first(tag: str) -> list[Found]:
    return [(tag, {"addresses": [A1]}), GOOD2]


ALL_GOOD: list[Found] = [("N11_UNKNOWN_OPTION_OK", {"addresses": [A1, A2]})]

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "ignored": (lambda server: None, ALL_GOOD),
    "another option in the response": (on_option(faults.edns(options=[OTHER])), ALL_GOOD),
    "silence": (on_option(faults.silence()), about_first("N11_NO_RESPONSE")),
    "error": (
        on_option(faults.rcode("FORMERR")),
        [GOOD2, ("N11_UNEXPECTED_RCODE", {"rcode": "FORMERR", "addresses": [A1]})],
    ),
    "no EDNS": (on_option(faults.without_edns()), about_first("N11_NO_EDNS")),
    "no SOA record": (on_option(faults.empty_answer()), about_first("N11_UNEXPECTED_ANSWER_SECTION")),
    "no authority": (on_option(faults.no_aa()), about_first("N11_UNSET_AA")),
    "sent back": (on_option(faults.edns(options=[ECHO])), about_first("N11_RETURNS_UNKNOWN_OPTION_CODE")),
    "no EDNS anyway is not tested": (lambda server: server.fault(faults.without_edns()), [GOOD2]),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver11(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    break_server(world.server(A1))
    found = findings(world, "nameserver11")
    assert sorted(found, key=str) == sorted(expected, key=str)
