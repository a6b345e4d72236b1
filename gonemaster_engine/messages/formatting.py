"""Turns argument values into text that is safe to print: one line, nothing that a terminal or reader obeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gonemaster_engine.findings import SUPPLIED

ABSENT = "(not given)"
SUPPLIED_TEXT = "(supplied data)"
EMPTY_LIST = "(none)"


def shown(value: Any) -> str:
    """Return a value as text: lists joined by "; ", servers as "name/address"."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "; ".join(map(_item, value)) or EMPTY_LIST
    if isinstance(value, Mapping):
        return _item(value)
    return printable(str(value))


def _item(value: Any) -> str:
    if value == SUPPLIED:
        return SUPPLIED_TEXT
    if not isinstance(value, Mapping):
        return shown(value)
    if "ns" in value:
        return "/".join(printable(str(value[key])) for key in ("ns", "address") if value.get(key))
    return ", ".join(f"{printable(str(key))}={shown(item)}" for key, item in value.items())


def printable(text: str) -> str:
    r"""Return the text with every character that cannot be printed, or turns the writing direction, as \x1b or \u202e."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii") if character != "\xa0" else " "
