"""Each setting is read or rejected: a setting that is accepted and shown but has no effect misleads the operator."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.overrides import ChangeRefused, check_changes, with_overrides
from gonemaster_tasks.config.settings import OPTIONS, Settings
from gonemaster_tasks.errors import SettingsError

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("gonemaster_tasks", "gonemaster_api")
CHECKS = ROOT / "gonemaster_tasks" / "config" / "loader.py"  # compares settings with one another, which does not count
HOLDERS = {"settings", "_settings", "current"}  # variables with settings
AREAS = "areas"  # properties of a section read its settings as attributes of self

REFUSED = [option for option in OPTIONS if option.awaits]
VALUES = {"boolean": "true", "integer": "10", "array": f"ci=sha256:{'0f' * 32}"}


def valid_value(option: Option) -> str:
    """Return a value that the type accepts."""
    if option.type.choices:
        return option.type.choices[0]
    return "https://example.net/data" if "URL" in option.type.allowed else VALUES.get(option.type.json_type, "30s")


def test_each_setting_is_read_or_refused() -> None:
    unread = {option.name for option in OPTIONS} - set(names_read())
    refused = {option.name for option in REFUSED}
    assert unread <= refused, "what is read nowhere says with `awaits` what it is for, or is not a setting"
    assert refused <= unread, "what is read has an effect: remove its `awaits`"


@pytest.mark.parametrize("option", REFUSED, ids=lambda option: option.key)
def test_setting_without_effect_is_refused_from_each_source(option: Option, tmp_path: Path) -> None:
    value = valid_value(option)
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({option.key: value}), encoding="utf-8")
    for arguments, name in (
        (({option.name: value}, {}), option.flag),
        (({}, {option.env: value}), option.env),
        (({}, {}, file), option.key),
    ):
        with pytest.raises(SettingsError) as caught:
            load_settings(*arguments)
        assert caught.value.problems == (f"{name} must not be set: {option.refusal}",)
    with pytest.raises(ChangeRefused) as refused:
        check_changes(load_settings({}, {}), {option.key: value})
    assert [item.reason for item in refused.value.refusals] == ["readonly"]
    saved = with_overrides(load_settings({}, {}), {option.key: option.type.parse(value)})
    assert getattr(saved, option.name) == option.default, "what another version saved has no effect either"


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
