"""NAMESERVER04: the source address of responses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Server, faults

OTHER = "127.9.1.77"

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "the same": (lambda server: None, [("SAME_SOURCE_IP", {"servers": BOTH})]),
    "another": (
        # NS queries have no fault, because the run first needs the zone's name servers
        lambda server: server.fault(faults.from_address(OTHER), qtype="SOA"),
        [("DIFFERENT_SOURCE_IP", {**S1, "source": OTHER})],
    ),
    "silence says nothing": (
        lambda server: server.fault(faults.silence(), qtype="SOA"),
        [("SAME_SOURCE_IP", {"servers": [S2]})],
    ),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver04(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    break_server(world.server(A1))
    assert findings(world, "nameserver04") == expected
