"""NAMESERVER08: letter case of the question in the response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Server, faults

FAULTS: dict[str, tuple[Callable[[Server], object], list[tuple[str, Any]]]] = {
    "kept": (lambda server: None, [("QNAME_CASE_SENSITIVE", BOTH)]),
    "changed": (
        lambda server: server.fault(faults.upper_case(), qname="www.example.xa"),
        [("QNAME_CASE_INSENSITIVE", [S1]), ("QNAME_CASE_SENSITIVE", [S2])],
    ),
    "no question in the response": (
        lambda server: server.fault(faults.no_question(), qname="www.example.xa"),
        [("QNAME_CASE_SENSITIVE", [S2])],
    ),
}


def without_spelling(found: list[Found]) -> list[tuple[str, Any]]:
    spelled = {args["domain"] for _, args in found}
    assert len(spelled) == 1
    (name,) = spelled
    assert name.lower() == "www.example.xa" != name
    return [(tag, args["servers"]) for tag, args in found]


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver08(break_server: Callable[[Server], object], expected: list[tuple[str, Any]]) -> None:
    world = example_world()
    break_server(world.server(A1))
    assert without_spelling(findings(world, "nameserver08")) == expected


def test_two_runs_ask_in_the_same_spelling() -> None:
    assert findings(example_world(), "nameserver08") == findings(example_world(), "nameserver08")


def test_name_goes_out_as_it_is_spelled() -> None:
    world = example_world()
    spelled = findings(world, "nameserver08")[0][1]["domain"]
    asked = [query.wire for query in world.server(A1).asked("www.example.xa", "SOA")]
    first_label = spelled.split(".")[1].encode()
    assert len(asked) == 1
    assert first_label in asked[0]
