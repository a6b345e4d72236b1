"""Files and functions stay short enough to be read in one piece."""

from __future__ import annotations

import ast
import re
import statistics

import pytest

from tests.support.sources import ROOT, source_files, syntax_trees

FILE_MAX_LINES = 600
FUNCTION_MAX_LINES = 80
LONG_LINES, LONG_SHARE = 50, 0.01
MEDIAN_MAX_LINES = 9
# Columns and indexes, one statement after another; generated types.
LISTS = ("gonemaster_db/migrations/versions/", "gonemaster_client/documents.py")
TEST_NAME_MAX = 80
TEST_ID_MAX = 800  # including the file and the parameters


def lengths() -> dict[str, int]:
    """Return the lengths of functions in lines, by file and name."""
    return {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for name, tree in syntax_trees()
        if not name.startswith(LISTS)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_no_file_is_too_long() -> None:
    lines = {
        name: len(path.read_text(encoding="utf-8").splitlines())
        for name, path in source_files()
        if not name.startswith(LISTS)
    }
    assert {name: count for name, count in lines.items() if count > FILE_MAX_LINES} == {}


def test_no_function_is_too_long_and_most_are_short() -> None:
    found = lengths()
    assert {name: lines for name, lines in found.items() if lines > FUNCTION_MAX_LINES} == {}
    assert sum(lines > LONG_LINES for lines in found.values()) <= LONG_SHARE * len(found)
    assert statistics.median(found.values()) <= MEDIAN_MAX_LINES


def test_no_name_of_a_test_is_too_long() -> None:
    names = [
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert [name for name in names if len(name) > TEST_NAME_MAX] == []


def test_no_id_of_a_test_is_too_long(request: pytest.FixtureRequest) -> None:
    """Each test process stores the ids of all tests, and a child process inherits the id of the current test."""
    assert [item.nodeid[:100] for item in request.session.items if len(item.nodeid) > TEST_ID_MAX] == []
