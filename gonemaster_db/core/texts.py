"""Sentences in English that pages can show in another language: as in the engine, which the store does not import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Text(str):
    """A sentence in English, with the template and the values that it is made from."""

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Text:
        """Fill a template, whose fields are those of `str.format`."""
        text = super().__new__(cls, template.format(**values))
        text.template, text.values = template, values
        return text

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # a copy is made as the text was
        return (self.template,), dict(self.values)
