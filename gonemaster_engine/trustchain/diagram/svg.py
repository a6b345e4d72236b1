"""SVG output; this module alone escapes all texts and attributes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import NewType
from xml.sax.saxutils import escape

from gonemaster_engine.findings.messages.formatting import printable

Markup = NewType("Markup", str)
"""Escaped text that can be inserted into a document."""

_QUOTES = {'"': "&quot;", "'": "&#39;"}
_WIDTHS = {"ijl.,:;'|! ()[]ftr1": 0.32, "mwMW@%": 0.86, "ABCDEFGHIJKLNOPQRSTUVXYZ_": 0.68}  # widths in common fonts
_WIDTH_OF = {character: width for characters, width in _WIDTHS.items() for character in characters}
_USUAL, _WIDE = 0.56, 1.0  # width of other characters, in units of the font size
_WIDER = 1.1  # factor for fonts with wider letters


def text(value: str) -> Markup:
    """Return text as markup; control characters and bidirectional controls are shown as escapes."""
    return Markup(escape(printable(value), _QUOTES))


def element(name: str, attributes: Iterable[tuple[str, object]] = (), *content: Markup) -> Markup:
    """Return an element; numeric attributes are rounded, and those that are None are omitted."""
    written = "".join(f' {key}="{text(_value(value))}"' for key, value in attributes if value is not None)
    inner = "".join(content)
    return Markup(f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>")


def _value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def text_width(value: str, size: float) -> float:
    """Estimate the width of a text in common fonts."""
    return size * sum(_character(character) for character in value)


def _character(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return _WIDE
    return _WIDTH_OF.get(character, _USUAL)


def shortened(value: str, max_characters: int) -> str:
    """Shorten a text of more than `max_characters` characters in the middle."""
    if len(value) <= max_characters:
        return value
    end = max_characters // 2
    return f"{value[: max_characters - end - 1]}…{value[-end:]}"


def line_of_text(
    value: str, *, x: float, y: float, size: float, width: float, css: str | None = None, max_characters: int = 64
) -> Markup:
    """Return a line of text that fits into `width`; letter spacing is reduced if it might not fit."""
    shown = shortened(printable(value), max_characters)
    is_tight = text_width(shown, size) * _WIDER > width
    attributes = (
        ("class", css),
        ("x", x),
        ("y", y),
        ("textLength", width if is_tight else None),
        ("lengthAdjust", "spacingAndGlyphs" if is_tight else None),
    )
    return element("text", attributes, text(shown))
