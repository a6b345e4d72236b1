"""This engine gives correct results on DNS setups with which Zonemaster fails (benchmarks/zonemaster/faults.py)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.zonemaster.faults import FAULTS, Fault, by_this_engine, command, is_as_listed, world_of, write_hints


@pytest.mark.parametrize("fault", [pytest.param(each, id=each.name) for each in FAULTS if not each.addresses])
def test_this_engine_says_what_is_expected(fault: Fault, tmp_path: Path) -> None:
    with world_of(fault) as world:
        lines = by_this_engine(fault, world, hints=write_hints(world, tmp_path / "root.hints"))
    assert is_as_listed(fault.expected, lines), lines
    assert not is_as_listed(fault.seen, lines), "then it is no fault of Zonemaster"


def test_page_says_for_each_fault_what_both_do_and_shows_the_smallest_zone() -> None:
    page = Path("docs/explanation/zonemaster-differences.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## [^\n]*: `([\w-]+)`\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    assert sections.keys() == {fault.name for fault in FAULTS}
    parts = ("- Specification: ", "- Zonemaster: ", "- gonemaster: ", "Smallest zone:\n\n    ")
    assert [(name, part) for name, text in sections.items() for part in parts if part not in text] == []


def test_command_is_one_that_a_reader_can_type() -> None:
    zone10 = next(fault for fault in FAULTS if fault.name == "zone10")
    typed = "zonemaster-cli --hints h --no-progress --no-time --raw --level INFO --no-ipv6 --test zone10 example.xa"
    assert command(zone10, hints="h") == typed.split()
