"""CONTRIBUTING lists the tests of each code folder, and test folders have the names of code folders."""

from __future__ import annotations

import re

from tests.support.sources import PACKAGES, ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TESTS = ROOT / "tests"


def folders(place: str) -> set[str]:
    return {path.parent.name for path in (ROOT / place).glob("*/__init__.py")}


def listed() -> set[str]:
    """Return the folders of the table, with `{a,b}` expanded."""
    found = set()
    for cell in re.findall(r"^\| (`tests/[^|]*) \|", PAGE, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", cell):
            before, _, inner = name.partition("{")
            found |= {before + part for part in inner.rstrip("}").split(",")}
    return found


def test_the_table_names_each_folder_of_tests() -> None:
    rooms = {package.removeprefix("gonemaster_") for package in PACKAGES}
    expected = {f"tests/{name}" for name in folders("tests") - rooms}
    expected |= {f"tests/{room}/{name}" for room in rooms for name in folders(f"tests/{room}")}
    assert listed() == expected


def test_folders_of_tests_are_named_after_rooms() -> None:
    for package in PACKAGES:
        room = package.removeprefix("gonemaster_")
        unknown = folders(f"tests/{room}") - folders(package) - folders(f"{package}/public")
        assert unknown <= {"streams"}, f"tests/{room}"
