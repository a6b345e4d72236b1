"""English sentences that pages can translate, as in the engine, which the store does not import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from gonemaster_db.core.json_text import clean_text

_SEPARATOR = "\x1e"  # ASCII record separator


class Text(str):
    """An English sentence with its template and values."""

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Fill in a template with fields in the syntax of `str.format`."""
        text = super().__new__(cls, template.format(**values))
        text.template, text.values = template, values
        return text

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # Copies are built from the template.
        return (self.template,), dict(self.values)


class Sentence(TypeDecorator[str]):
    """An English sentence; a `Text` is followed by its template and values as JSON."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Store the sentence first, for readers of the table."""
        if value is None:
            return None
        sentence = clean_text(value).replace(_SEPARATOR, " ")
        return f"{sentence}{_SEPARATOR}{json.dumps(_parts(value))}" if hasattr(value, "template") else sentence

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Return the sentence, as a `Text` if it was stored as one."""
        if value is None or _SEPARATOR not in value:
            return value
        return _text(json.loads(value.partition(_SEPARATOR)[2]))


def _parts(value: object) -> Any:
    if not hasattr(value, "template"):
        return clean_text(str(value))
    return [value.template, {name: _parts(part) for name, part in value.values.items()}]  # type: ignore[attr-defined]


def _text(parts: Any) -> str:
    if isinstance(parts, str):
        return parts
    template, values = parts
    return Text(template, **{name: _text(part) for name, part in values.items()})
