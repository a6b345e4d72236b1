"""Each setting is read: a setting that is accepted and shown but has no effect misleads the operator."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from gonemaster_tasks.config.settings import OPTIONS, Settings

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("gonemaster_tasks", "gonemaster_api")
CHECKS = ROOT / "gonemaster_tasks" / "config" / "loader.py"  # compares settings with one another, which does not count
HOLDERS = {"settings", "_settings", "current"}  # variables with settings
AREAS = "areas"  # properties of a section read its settings as attributes of self


def test_each_setting_is_read() -> None:
    unread = {option.name for option in OPTIONS} - set(names_read())
    assert unread == set(), "a setting that is accepted and shown has an effect"


def test_each_property_of_the_settings_is_read_somewhere() -> None:
    properties = {name for name in dir(Settings) if isinstance(getattr(Settings, name), property)}
    assert properties
    assert properties <= set(names_read())


def names_read() -> Iterator[str]:
    """Yield the attributes of settings that the code reads."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            if file != CHECKS:
                holders = HOLDERS | ({"self"} if file.parent.name == AREAS or file.name == "settings.py" else set())
                yield from _attributes_of(file, holders)


def _attributes_of(file: Path, holders: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and _last_name(node.value) in holders:
            yield node.attr


def _last_name(node: ast.expr) -> str:
    """Return `settings` for `settings`, `self.settings` and `process.settings`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
