"""Formatting of argument values as printable text in one line, without control characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gonemaster_engine.findings.tags import SUPPLIED
from gonemaster_engine.names import to_unicode

ABSENT = "(not given)"
SUPPLIED_TEXT = "(supplied data)"
EMPTY_LIST = "(none)"
YES = "yes"
NO = "no"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = (
    (86400, "{count} day", "{count} days"),
    (3600, "{count} hour", "{count} hours"),
    (60, "{count} minute", "{count} minutes"),
    (1, "{count} second", "{count} seconds"),
)
_SHOWN_UNITS = 2
_A_LABEL_PREFIX = "xn--"
_NAME = re.compile(r"[\w.-]+", re.ASCII)  # a whole run of these characters, so that the search is linear
_LONGEST_NAME = 255
# Spreadsheets evaluate cells with these first characters; some also take the full-width forms of the signs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
WORDS = (ABSENT, SUPPLIED_TEXT, EMPTY_LIST, YES, NO, *(text for unit in _UNITS for text in unit[1:]))


def shown(value: Any, gettext: Callable[[str], str] = str) -> str:
    """Return a value as text: lists joined by "; ", servers as "name/address"; `gettext` translates the WORDS."""
    if value is None:
        return gettext(ABSENT)
    if isinstance(value, bool):
        return gettext(YES if value else NO)
    if isinstance(value, list | tuple):
        return "; ".join(_item(item, gettext) for item in value) or gettext(EMPTY_LIST)
    if isinstance(value, Mapping):
        return _item(value, gettext)
    return printable(str(value))


def with_u_labels(text: str) -> str:
    """Return the text with each name that has A-labels in its U-label form, followed by the A-label form."""
    return _NAME.sub(_both_forms, text) if _A_LABEL_PREFIX in text else text


def _both_forms(found: re.Match[str]) -> str:
    name = found[0]
    if _A_LABEL_PREFIX not in name or len(name) > _LONGEST_NAME:
        return name
    decoded = printable(to_unicode(name))
    return name if decoded == name else f"{decoded} ({name})"


def instant(seconds: int) -> str:
    """Return a POSIX time in the form 2026-11-26T07:27:05Z; a time beyond the calendar is returned as a number."""
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return str(seconds)


def period(seconds: int, gettext: Callable[[str], str] = str) -> str:
    """Return a number of seconds in its largest unit and the next smaller one: "8 hours 43 minutes"."""
    rest, parts = abs(seconds), []
    largest = next((place for place, unit in enumerate(_UNITS) if rest >= unit[0]), len(_UNITS) - 1)
    for size, singular, plural in _UNITS[largest : largest + _SHOWN_UNITS]:
        count, rest = divmod(rest, size)
        if count or not seconds:
            parts.append(gettext(singular if count == 1 else plural).format(count=count))
    return "-" * (seconds < 0) + " ".join(parts)


def _item(value: Any, gettext: Callable[[str], str]) -> str:
    if value == SUPPLIED:
        return gettext(SUPPLIED_TEXT)
    if not isinstance(value, Mapping):
        return shown(value, gettext)
    if "ns" in value:
        return "/".join(printable(str(value[key])) for key in ("ns", "address", "protocol") if value.get(key))
    return ", ".join(f"{printable(str(key))}={shown(item, gettext)}" for key, item in value.items())


def printable(text: str) -> str:
    r"""Return the text with unprintable characters and bidirectional controls escaped, as in \x1b or \u202e."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii") if character != "\xa0" else " "


def escape_formula(cell: str) -> str:
    """Prefix a cell with an apostrophe if a spreadsheet would evaluate it as a formula (CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
