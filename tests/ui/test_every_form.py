"""Tests submit each form and press each button of the pages; SENT_BY names the test for each form."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from flask import Flask

from tests.support.sent_forms import SENT_BY

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = ROOT / "gonemaster_api" / "templates"
BUTTON = re.compile(r"""name="(do|op|one|only|intent|action)" value="([a-z_]+)(?::|")""")


@cache
def functions(file: str) -> dict[str, str]:
    """Return the source of each function of a test file by name."""
    text = (ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8")
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(text, node) or "" for node in found}


def test_each_form_is_sent_by_a_test(routed_app: Flask) -> None:
    rules = [rule for rule in routed_app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    pages = {rule.endpoint for rule in rules if not rule.rule.startswith(("/api/", "/pub/", "/zonemaster/"))}
    assert sorted(endpoint for sent in SENT_BY.values() for endpoint in sent) == sorted(pages), (
        "test it, and name the test in SENT_BY"
    )


@pytest.mark.parametrize("name", SENT_BY)
def test_the_tests_are_there(name: str) -> None:
    """SENT_BY names existing tests; the fixture `sends_its_forms` checks the forms that they submit."""
    file, _, function = name.partition(".")
    assert function in functions(file)
    assert file.startswith("ui/") or "sends_its_forms" in (ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8")


def test_each_button_is_pressed_by_a_test() -> None:
    buttons = {
        (str(path.relative_to(TEMPLATES)), *found)
        for path in TEMPLATES.rglob("*.html")
        for found in BUTTON.findall(path.read_text(encoding="utf-8"))
    }
    assert len(buttons) > 10
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    unpressed = [
        button
        for button in buttons
        if not re.search(rf"""{button[1]}(?:=f?|": )"{button[2]}[":]|"{button[2]}"[,)\]]""", tests)
    ]
    assert unpressed == []
