"""The table of codes of Zonemaster's test cases, and of the test whose zone fails with each code.

`python -m tests.engine.rst.code_table` runs the tests of all test cases, and writes zonemaster_codes.json and the table
in docs/reference/rst-codes.md. It takes minutes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from gonemaster_engine.policies.policy import Suite
from gonemaster_engine.profile.profile import Profile, default_profile
from gonemaster_engine.replaced_tags import predecessor
from gonemaster_engine.rst.rehearsal import rst_policy
from gonemaster_engine.rst.report import rst_name
from gonemaster_engine.testcases.catalogue import cases

ROOT: Final = Path(__file__).parents[3]
TABLE: Final = Path(__file__).parent / "zonemaster_codes.json"
DOCUMENT: Final = ROOT / "docs" / "reference" / "rst-codes.md"
FOLDER: Final = "tests/engine/testcases/"
START: Final = "| Code | Test case | The test whose zone fails |\n| --- | --- | --- |\n"

# Tags of Zonemaster 2026.1 without a predecessor; the policy reports the tags of 2025.2.
NOT_REPORTED: Final = frozenset({"CS05_NO_NS_ADDR_CHILD"})

Key: TypeAlias = tuple[str, str]
"""Code and test case."""
Recorded: TypeAlias = list[tuple[str, str, set[str]]]
"""Test, test case and tags of each call of `findings`."""


@cache
def failing_tags() -> Mapping[Key, str]:
    """Return the tags of the policy that fail, by code and test case."""
    policy = rst_policy()
    profile = policy.applied_to(default_profile())
    found: dict[Key, str] = {}
    for suite in policy.suites:
        for case_id in suite.cases:
            found |= {(str(policy.code(tag)), case_id): tag for tag in _tags(suite, case_id, profile)}
    return found


def _tags(suite: Suite, case_id: str, profile: Profile) -> Iterable[str]:
    """Return the tags of a test case that fail the suite, of the release of Zonemaster that the policy chooses."""
    case = cases()[case_id]
    names = [tag.name for tag in case.tags if suite.fails(tag.name, profile.level(case.module, tag.name))]
    return [name for name in names if predecessor(name) is None and name not in NOT_REPORTED]


def record(tests: Iterable[str]) -> Recorded:
    """Run tests in another process, and return the tags that their zones got."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "tags.jsonl"
        command = (sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "tests.engine.rst.recording", *tests)
        environ = os.environ | {"GONEMASTER_RECORDED_TAGS": str(file), "GM_SLOT": "held"}
        for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"):
            environ.pop(name, None)
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(done.stdout[-3000:])
        lines = file.read_text(encoding="utf-8").splitlines()
    return [(test, case_id, set(tags)) for test, case_id, tags in map(json.loads, lines)]


def read_table() -> dict[Key, str]:
    """Return the test of each code and test case."""
    document = json.loads(TABLE.read_text(encoding="utf-8"))
    return {(code, case_id): FOLDER + test for code, by_case in document.items() for case_id, test in by_case.items()}


def choose(recorded: Recorded) -> dict[Key, str]:
    """Return the test that shows each code with the fewest other tags."""
    found: dict[Key, tuple[int, int, str]] = {}
    for key, tag in failing_tags().items():
        shown = [(len(tags), len(test), test) for test, case_id, tags in recorded if case_id == key[1] and tag in tags]
        if shown:
            found[key] = min(shown)
    return {key: test for key, (_, _, test) in sorted(found.items())}


def rows(table: Mapping[Key, str]) -> str:
    """Return the rows of the table in the document."""
    lines = [
        f"| {code} | {rst_name(case_id)} | `{test.removeprefix(FOLDER).removeprefix('test_').replace('|', '/')}` |"
        for (code, case_id), test in table.items()
    ]
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Write the table and the document."""
    table = choose(record([FOLDER]))
    document: dict[str, dict[str, str]] = {}
    for (code, case_id), test in table.items():
        document.setdefault(code, {})[case_id] = test.removeprefix(FOLDER)
    TABLE.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, after = text.partition(START)
    rest = re.sub(r"\A(?:\|[^\n]*\n)*", "", after)
    DOCUMENT.write_text(before + START + rows(table) + rest, encoding="utf-8")
    print(f"{len(document)} codes, {len(table)} of {len(failing_tags())} with their test case")


if __name__ == "__main__":
    main()
