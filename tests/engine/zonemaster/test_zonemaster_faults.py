"""This engine gives correct results on DNS setups with which Zonemaster fails (benchmarks/zonemaster/faults.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.zonemaster.faults import FAULTS, Fault, by_this_engine, command, is_as_listed, world_of, write_hints


@pytest.mark.parametrize("fault", [pytest.param(each, id=each.name) for each in FAULTS if not each.addresses])
def test_this_engine_says_what_is_expected(fault: Fault, tmp_path: Path) -> None:
    with world_of(fault) as world:
        lines = by_this_engine(fault, world, hints=write_hints(world, tmp_path / "root.hints"))
    assert is_as_listed(fault.expected, lines), lines
    assert not is_as_listed(fault.seen, lines), "then it is no fault of Zonemaster"


def test_every_fault_has_a_section_in_the_document() -> None:
    document = Path("docs/explanation/divergences.md").read_text(encoding="utf-8")
    assert [fault.name for fault in FAULTS if f"`{fault.name}`" not in document] == []


def test_command_is_one_that_a_reader_can_type() -> None:
    zone10 = next(fault for fault in FAULTS if fault.name == "zone10")
    typed = "zonemaster-cli --hints h --no-progress --no-time --raw --level INFO --no-ipv6 --test zone10 example.xa"
    assert command(zone10, hints="h") == typed.split()
