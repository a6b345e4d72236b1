"""English sentences that pages can show in another language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self


class Text(str):
    """An English sentence with its template and values.

    `make messages` collects the templates of all calls `Text("...")`; a page translates the template and fills it.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Fill a template, whose fields are those of `str.format`."""
        text = super().__new__(cls, template.format(**values))
        text.template, text.values = template, values
        return text

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # copies are created from the template
        return (self.template,), dict(self.values)


def mark(template: str) -> str:
    """Return a template unchanged: marks templates in tables for `make messages`."""
    return template


def joined(separator: str, texts: Iterable[str]) -> Text:
    """Join texts like `str.join`."""
    values = {f"text{number}": text for number, text in enumerate(texts)}
    return Text(separator.join(f"{{{name}}}" for name in values), **values)


def text_of(error: BaseException) -> str:
    """Return the message of an exception: the `Text` that it was raised with, if any."""
    return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
