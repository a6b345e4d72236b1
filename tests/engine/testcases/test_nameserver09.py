"""NAMESERVER09: the same query in two letter cases."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
import dns.rrset
import pytest

from gonemaster_engine.testcases.nameserver._shared import case_variants
from tests.support.case_runs import A1, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Exchange, Fault, Server, faults

NAME = "www.example.xa"
FIRST, SECOND = case_variants(NAME, 2)
PAIR = {"query_type": "SOA", "query1": FIRST, "query2": SECOND}
ABOUT = {"query_type": "SOA", "domain": NAME}
DIFFER: Found = ("CASE_QUERIES_RESULTS_DIFFER", ABOUT)
OK: Found = ("CASE_QUERIES_RESULTS_OK", ABOUT)


def asked_as(spelled: str) -> Callable[[Exchange], bool]:
    return lambda exchange: all(label.encode() in exchange.wire for label in spelled.split("."))


def broken_for(spelled: str, fault: Fault) -> Callable[[Server], object]:
    return lambda server: server.fault(fault, qname=NAME, when=asked_as(spelled))


def soa(serial: int) -> Fault:
    def edit(message: dns.message.Message) -> dns.message.Message:
        owner = message.question[0].name
        text = f"ns1.example.xa. hostmaster.example.xa. {serial} 1 1 1 1"
        message.answer = [dns.rrset.from_text(owner, 60, "IN", "SOA", text)]
        return message

    return faults.on_message(edit)


SAME2: Found = ("CASE_QUERY_SAME_RC", {**S2, **PAIR, "rcode": "NXDOMAIN"})

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "same errors": (lambda server: None, [("CASE_QUERY_SAME_RC", {**S1, **PAIR, "rcode": "NXDOMAIN"}), SAME2, OK]),
    "different errors": (
        broken_for(SECOND, faults.rcode("REFUSED")),
        [
            ("CASE_QUERY_DIFFERENT_RC", {**S1, **PAIR, "rcode1": "NXDOMAIN", "rcode2": "REFUSED"}),
            SAME2,
            DIFFER,
        ],
    ),
    "silent to the first": (
        broken_for(FIRST, faults.silence()),
        [("CASE_QUERY_NO_ANSWER", {**S1, "query_type": "SOA", "domain": FIRST}), SAME2, DIFFER],
    ),
    "silent to the second": (
        broken_for(SECOND, faults.silence()),
        [("CASE_QUERY_NO_ANSWER", {**S1, "query_type": "SOA", "domain": SECOND}), SAME2, DIFFER],
    ),
    "silent to both": (lambda server: server.fault(faults.silence(), qname=NAME), [SAME2, OK]),
    "same answers": (
        lambda server: server.fault(soa(1), qname=NAME),
        [("CASE_QUERY_SAME_ANSWER", {**S1, **PAIR}), SAME2, OK],
    ),
    "an answer to one spelling only": (
        broken_for(SECOND, soa(1)),
        [("CASE_QUERY_DIFFERENT_ANSWER", {**S1, **PAIR}), SAME2, DIFFER],
    ),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver09(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    break_server(world.server(A1))
    assert findings(world, "nameserver09") == expected


def test_different_answers() -> None:
    world = example_world()
    broken_for(FIRST, soa(1))(world.server(A1))
    broken_for(SECOND, soa(2))(world.server(A1))
    assert findings(world, "nameserver09") == [("CASE_QUERY_DIFFERENT_ANSWER", {**S1, **PAIR}), SAME2, DIFFER]


def test_spellings_of_a_name_are_different_and_repeat() -> None:
    made = case_variants(NAME, 4)
    assert len({*made, NAME}) == 5
    assert {name.lower() for name in made} == {NAME}
    assert made == case_variants(NAME, 4)


def test_name_without_letters_has_no_other_spelling() -> None:
    assert case_variants("1.2.3", 2) == ["1.2.3", "1.2.3"]
