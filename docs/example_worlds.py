"""A zone of the tests for each message tag: one that was seen to cause it, or else the first one that names it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_TESTS = _ROOT / "tests/engine"
_FOLDERS = ("testcases", "zonefile", "run", "asn", "cli", "rst", "scoring", "zonemaster", "profile", "findings/causes")
_SEEN = _TESTS / "rst/zonemaster_codes.json"
_LIKE_A_TAG = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")
_LIKE_A_PART = re.compile(r"[A-Z0-9]*_[A-Z0-9_]{5,}")
FILE = _ROOT / "gonemaster_engine/data/help/worlds.json"


def worlds(tags: frozenset[str]) -> str:
    """Return the table as JSON: file below tests/engine and name of the zone, by tag."""
    found = {tag: place for tag, place in _seen() if tag in tags}
    for file, name, texts in _places():
        for tag in sorted(tags - found.keys()):
            if any(text.fullmatch(tag) for text in texts):
                found[tag] = {"file": file, "zone": name}
    return json.dumps(dict(sorted(found.items())), indent=1, ensure_ascii=False) + "\n"


def _seen() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the tags that tests/engine/rst/code_table.py has seen in the result of a test."""
    for code, tests in json.loads(_SEEN.read_text(encoding="utf-8")).items():
        file, _, test = next(iter(tests.values())).partition("::")
        name = re.search(r"\[(.+)\]", test)
        yield code.removeprefix("ZM_"), {"file": f"testcases/{file}", "zone": name[1] if name else test}


def _places() -> Iterator[tuple[str, str, list[re.Pattern[str]]]]:
    """Yield file, name and the strings of each scenario, then of each test, then of each file."""
    trees = [
        (str(path.relative_to(_TESTS)), ast.parse(path.read_text(encoding="utf-8")))
        for folder in _FOLDERS
        for path in sorted((_TESTS / folder).glob("*.py"))
    ]
    for file, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str) and not key.value.isupper():
                        yield file, key.value, _strings(value)
    for file, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield file, node.name, _strings(node)
    for file, tree in trees:
        if "/test_" in file:
            yield file, "", _strings(tree)


def _strings(tree: ast.AST) -> list[re.Pattern[str]]:
    """Return patterns of the strings that look like tags; a value in an f-string can be any part of a tag."""
    found = {
        re.escape(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _LIKE_A_TAG.fullmatch(node.value)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [re.escape(part.value) if isinstance(part, ast.Constant) else "[A-Z0-9_]+" for part in node.values]
            if _LIKE_A_PART.fullmatch("".join(part for part in parts if part[:1] != "[")):
                found.add("".join(parts))
    return [re.compile(text) for text in sorted(found)]
