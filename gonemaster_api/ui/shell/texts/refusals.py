"""Refusals in the language of a page.

Use cases, schemas and the store refuse in English, as the API needs it. A page shows the same refusal: its text is
found among the `TEXTS` that there can be, and said in the language of the page, with the same values. What is not found
stays as it is.
"""

import re
from collections.abc import Iterator
from functools import cache

from gonemaster_api.ui.shell.texts.languages import ENGLISH, gettext, language
from gonemaster_api.ui.shell.texts.refusal_texts import TEXTS

_VALUE = re.compile(r"\{\d\}")
_LONGEST = 2_000  # characters; a longer text holds what somebody sent, and is left alone
_DEPTH = 4  # of texts within texts
_CLAUSES = 10  # of one text
_FIELD = re.compile(r"([A-Za-z_][\w.\[\]-]{0,99}): (.+)", re.DOTALL)


def in_language(text: str) -> str:
    """Return a refusal, or what the health of the queue says, in the language of the request."""
    if language() == ENGLISH or len(text) > _LONGEST:
        return text
    return _translated(text, _DEPTH) or text


def _translated(text: str, depth: int) -> str | None:
    """Return the text in the language of the request, None if nothing in it is known."""
    if not depth:
        return None
    for template, parts in _known():
        values = _values(text, parts)
        if values is not None:
            return _filled(gettext(template), [_translated(value, depth - 1) or value for value in values])
    return _translated_parts(text, depth)


def _filled(template: str, values: list[str]) -> str:
    return _VALUE.sub(lambda found: values[int(found[0][1]) - 1], template)


def _translated_parts(text: str, depth: int) -> str | None:
    """Return a text that is put together from others: `field: text`, or `text; text`."""
    if found := _FIELD.fullmatch(text):
        rest = _translated(found[2], depth - 1)
        return f"{found[1]}: {rest}" if rest else None
    clauses = text.split("; ")
    if not 1 < len(clauses) <= _CLAUSES:
        return None
    said = [_translated(clause, depth - 1) for clause in clauses]
    return "; ".join(new or old for new, old in zip(said, clauses, strict=True)) if any(said) else None


@cache
def _known() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return each text with its fixed parts, those with most of them first: `{1}; {2}` would fit nearly all."""
    split = [(text, tuple(_VALUE.split(text))) for text in TEXTS]
    return tuple(sorted(split, key=lambda known: -sum(map(len, known[1]))))


def _values(text: str, parts: tuple[str, ...]) -> list[str] | None:
    """Return what stands between the fixed parts, None if the text does not have them.

    Each part is looked for once, from left to right: a text that somebody made for it must not cost more.
    """
    first, *between = parts
    if not between:
        return [] if text == first else None
    last = between.pop()
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return None
    return _split(text[len(first) : len(text) - len(last)], iter(between))


def _split(text: str, separators: Iterator[str]) -> list[str] | None:
    values = []
    for separator in separators:
        value, found, text = text.partition(separator)
        if not found:
            return None
        values.append(value)
    values.append(text)
    return values if all(values) else None
