"""The conditions of ZONE cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.testcases.test_gates import cases_of, run
from tests.support.case_runs import A1, A2, example_world
from tests.support.dnsworld import World, faults

ALL = {f"zone{number:02}" for number in range(1, 16)}


def refusing(qtype: str) -> World:
    world = example_world()
    for address in (A1, A2):
        world.server(address).fault(faults.rcode("REFUSED"), qtype=qtype)
    return world


def with_txt(text: str) -> World:
    return example_world(records=f'@ TXT "{text}"')


@pytest.mark.parametrize(
    ("world", "left_out"),
    [
        (with_txt("v=spf1 -all"), set()),
        (with_txt("v=spf1 al"), {"zone13"}),
        (with_txt("text"), {"zone13"}),
        (refusing("MX"), {"zone09", "zone13"}),
        (refusing("SOA"), {f"zone{number}" for number in range(10, 16)}),
    ],
    ids=["good policy", "broken policy", "no policy", "no MX answer", "no SOA answer"],
)
def test_cases_of_zone(world: World, left_out: set[str], tmp_path: Path) -> None:
    assert ALL - cases_of(run(world, tmp_path, tests=["zone"])) == left_out


def test_look_ups_are_counted_when_the_policy_was_not_judged(tmp_path: Path) -> None:
    assert cases_of(run(example_world(), tmp_path, tests=["zone13"])) == {"zone13"}
