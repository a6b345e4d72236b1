"""CONTRIBUTING lists the tests of each code folder; test folders are named after code folders; no folder is crowded."""

from __future__ import annotations

import re
from collections import Counter

from tests.support.sources import PACKAGES, ROOT, SERVICE

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TESTS = ROOT / "tests"
MAX_MODULES = 20
# One module for each test case of the specifications, for each root cause, and for each migration.
UNLIMITED = (
    "gonemaster_engine/testcases/",
    "gonemaster_engine/findings/causes/rules",
    "gonemaster_db/migrations/versions",
)


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
    rooms = {package.removeprefix("gonemaster_") for package in SERVICE}
    expected = {f"tests/{name}" for name in folders("tests") - rooms}
    expected |= {f"tests/{room}/{name}" for room in rooms for name in folders(f"tests/{room}")}
    assert listed() == expected


def test_folders_of_tests_are_named_after_rooms() -> None:
    for package in PACKAGES:
        room = package.removeprefix("gonemaster_")
        unknown = folders(f"tests/{room}") - folders(package) - folders(f"{package}/public")
        assert unknown <= {"streams"}, f"tests/{room}"


def test_a_folder_of_code_has_at_most_twenty_modules() -> None:
    counts = Counter(path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    crowded = {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > MAX_MODULES}
    assert not {name for name in crowded if not name.startswith(UNLIMITED)}
