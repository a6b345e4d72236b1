"""Texts for a terminal: results contain what name servers sent, which must not control the terminal."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

# Control characters, and characters that reverse the direction of a line.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CONTROL_OF_JSON = re.compile("[\x7f-\x9f]")


def printable(text: str) -> str:
    """Return a text whose control characters are visible escapes."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def safe_json(text: str) -> str:
    """Return JSON without the control characters that JSON allows."""
    return _CONTROL_OF_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cell(value: Any) -> str:
    """Return a value of a document in one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {cell(each)}" for key, each in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(cell, value))
    return printable(str(value)).replace("\n", " ")
