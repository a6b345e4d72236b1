"""BASIC findings outside of test cases: names that exceed the limits of DNS, detected without a query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.errors import InvalidDomain, UnknownTestCase
from tests.engine.run.test_run import run
from tests.support.case_runs import Found, example_world

LONG = "a" * 64
LONGEST = ".".join(["a" * 63] * 3 + ["a" * 61])  # 253 characters, 254 with the final dot


def label_too_long(domain: str, label: str, length: int) -> Found:
    return ("DOMAIN_NAME_LABEL_TOO_LONG", {"domain": domain, "label": label, "dlength": length, "max": 63})


def name_too_long(length: int) -> Found:
    return ("DOMAIN_NAME_TOO_LONG", {"fqdnlength": length, "max": 254})


def empty_label(domain: str) -> Found:
    return ("DOMAIN_NAME_ZERO_LENGTH_LABEL", {"domain": domain})


NAMES: dict[str, tuple[str, list[Found]]] = {
    "label too long": (f"{LONG}.xa", [label_too_long(f"{LONG}.xa", LONG, 64)]),
    "label too long, with a final dot": (f"{LONG}.xa.", [label_too_long(f"{LONG}.xa", LONG, 64)]),
    "U-label whose A-label is too long": (f"{'ü' * 60}.xa", [label_too_long(f"{'ü' * 60}.xa", "ü" * 60, 66)]),
    "name too long by one": (f"{LONGEST}a", [name_too_long(255)]),
    "two dots in a row": ("example..xa", [empty_label("example..xa")]),
    "dot at the start": (".example.xa", [empty_label(".example.xa")]),
    "ideographic dots in a row": ("example。。xa", [empty_label("example..xa")]),
    "all at once": (
        f"{LONG}.{LONGEST}..xa",
        [
            empty_label(f"{LONG}.{LONGEST}..xa"),
            label_too_long(f"{LONG}.{LONGEST}..xa", LONG, 64),
            name_too_long(65 + 254 + 1 + 3),
        ],
    ),
}


def findings(tmp_path: Path, domain: str, **options: Any) -> list[Entry]:
    world = example_world()
    result = run(world, tmp_path, domain, **options)
    assert world.log == []
    assert (result.queries, result.unfinished) == (0, [])
    return [entry for entry in result.entries if entry.level > Level.INFO]


@pytest.mark.parametrize(("domain", "expected"), NAMES.values(), ids=NAMES)
def test_name_that_breaks_the_limits_is_a_finding(tmp_path: Path, domain: str, expected: list[Found]) -> None:
    *found, last = findings(tmp_path, domain)
    assert [(entry.tag, entry.args) for entry in found] == expected
    assert {(entry.module, entry.testcase, entry.level) for entry in found} == {("BASIC", "", Level.CRITICAL)}
    assert (last.tag, last.args) == ("CANNOT_CONTINUE", {"domain": domain})


def test_receivers_hear_of_it(tmp_path: Path) -> None:
    progress: list[int] = []
    entries: list[Entry] = []
    result = run(example_world(), tmp_path, "a..xa", on_progress=progress.append, on_entry=entries.append)
    assert progress == [100]
    assert entries == result.entries


@pytest.mark.parametrize("domain", [LONGEST, f"{'a' * 63}.xa", f"{LONGEST}."])
def test_name_at_the_limit_is_asked_for(tmp_path: Path, domain: str) -> None:
    world = example_world()
    run(world, tmp_path, domain, tests=["basic01"])
    assert world.log


@pytest.mark.parametrize("domain", ["", " ", "a b.xa", "exa$mple.xa"])
def test_what_is_no_name_at_all_is_refused(tmp_path: Path, domain: str) -> None:
    with pytest.raises(InvalidDomain):
        run(example_world(), tmp_path, domain)


def test_wrong_selection_is_refused_for_every_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownTestCase):
        run(example_world(), tmp_path, "a..xa", tests=["basic99"])
