"""ZONE10: one SOA record, and no alias at the same name."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
import dns.name
import dns.rrset
import pytest

from tests.engine.testcases.versions import dead_server_and_fault
from tests.support.case_runs import A2, S1, S2, Found, example_world, findings
from tests.support.dnsworld import World, faults

ONE: Found = ("ONE_SOA", {})


def second_answers(fault: faults.Fault, qtype: str = "SOA") -> World:
    world = example_world()
    world.server(A2).fault(fault, qtype=qtype)
    return world


def with_second_soa() -> World:
    """Describe a server that returns two SOA records, one of another name."""
    world = example_world()

    def edit(message: dns.message.Message) -> dns.message.Message:
        other = dns.rrset.from_rdata_list("other.xa.", message.answer[0].ttl, list(message.answer[0]))
        message.answer.append(other)
        return message

    world.server(A2).fault(faults.on_message(edit), qtype="SOA")
    return world


def with_wrong_soa() -> World:
    world = example_world()

    def edit(message: dns.message.Message) -> dns.message.Message:
        message.answer[0].name = dns.name.from_text("Other.xa")
        return message

    world.server(A2).fault(faults.on_message(edit), qtype="SOA")
    return world


SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "one": (example_world, [ONE]),
    "several": (with_second_soa, [("MULTIPLE_SOA", {**S2, "count": 2})]),
    "of another name": (with_wrong_soa, [("WRONG_SOA", {**S2, "owner": "other.xa", "query_name": "example.xa"})]),
    "none": (lambda: second_answers(faults.empty_answer()), [("NO_SOA_IN_RESPONSE", S2)]),
    "a dead server does not count": (dead_server_and_fault(faults.recursive(), "SOA"), [("NO_RESPONSE", S1), ONE]),
    "nobody gives one": (
        dead_server_and_fault(faults.rcode("REFUSED"), "SOA"),
        [("NO_RESPONSE", S1), ("NO_SOA_IN_RESPONSE", S2)],
    ),
    "CNAME": (
        lambda: second_answers(faults.alias("www.example.xa."), "CNAME"),
        [ONE, ("SOA_AND_CNAME", S2)],
    ),
    "DNAME": (
        lambda: example_world(records="@ DNAME other.xa."),
        [ONE, ("APEX_DNAME", S1), ("APEX_DNAME", S2)],
    ),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_zone10(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "zone10") == expected
