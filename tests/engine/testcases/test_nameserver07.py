"""NAMESERVER07: referrals to the root."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Server, faults

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "none": (lambda server: None, [("NO_UPWARD_REFERRAL", {"servers": BOTH})]),
    "one": (lambda server: server.fault(faults.refer_upward(), qname="."), [("UPWARD_REFERRAL", {"servers": [S1]})]),
    "silence says nothing": (
        lambda server: server.fault(faults.silence(), qname="."),
        [("NO_UPWARD_REFERRAL", {"servers": [S2]})],
    ),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver07(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    break_server(world.server(A1))
    assert findings(world, "nameserver07") == expected


def test_root_is_not_tested() -> None:
    assert findings(example_world(), "nameserver07", zone=".") == [("UPWARD_REFERRAL_IRRELEVANT", {})]
