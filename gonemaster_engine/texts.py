"""Sentences in English that pages can show in another language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self


class Text(str):
    """A sentence in English, with the template and the values that it is made from.

    `make messages` collects the templates of all calls `Text("...")`; a page translates the template and fills it.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Fill a template, whose fields are those of `str.format`."""
        text = super().__new__(cls, template.format(**values))
        text.template, text.values = template, values
        return text

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # a copy is made as the text was
        return (self.template,), dict(self.values)


def mark(template: str) -> str:
    """Return a template as it is: for tables of templates, which `make messages` finds by the name of this function."""
    return template


def joined(separator: str, texts: Iterable[str]) -> Text:
    """Join texts, as `str.join` does."""
    values = {f"text{number}": text for number, text in enumerate(texts)}
    return Text(separator.join(f"{{{name}}}" for name in values), **values)


def text_of(error: BaseException) -> str:
    """Return what an exception says: the `Text` that it was raised with, if any."""
    return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
