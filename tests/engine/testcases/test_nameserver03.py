"""NAMESERVER03: unrestricted zone transfers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Server, faults

ONE_OPEN: list[Found] = [("AXFR_AVAILABLE", {"servers": [S1]}), ("AXFR_FAILURE", {"servers": [S2]})]
CLOSED: list[Found] = [("AXFR_FAILURE", {"servers": BOTH})]

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "refused": (lambda server: None, CLOSED),
    "open": (lambda server: server.set(axfr=True), ONE_OPEN),
    "empty": (lambda server: server.fault(faults.empty_answer(), qtype="AXFR"), CLOSED),
    "something else first": (
        lambda server: server.fault(faults.answers(answer="example.xa. NS ns1.example.xa.\n"), qtype="AXFR"),
        CLOSED,
    ),
    "no TCP": (lambda server: server.set(tcp=False), CLOSED),
}


@pytest.mark.parametrize(("change_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver03(change_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    change_server(world.server(A1))
    assert findings(world, "nameserver03") == expected
