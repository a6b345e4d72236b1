"""Output of documents and lists in each format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TextIO

from gonemaster_client.cli.texts import cell, printable, safe_json

if TYPE_CHECKING:
    from rich.console import Console

Column = str | Callable[[Any], Any]
Columns = Mapping[str, Column]
"""Title of a column, and the member that it shows or the function that returns the value."""

_WIDE = 100_000  # of a file: tables are as wide as their content
_STYLES = {
    "CRITICAL": "bold red", "ERROR": "red", "WARNING": "yellow", "NOTICE": "cyan",
    "failed": "red", "canceled": "yellow", "expired": "yellow", "succeeded": "green", "running": "cyan",
}  # fmt: skip
_FIRST_ROWS = 500  # determine the widths of the columns; a longer list is printed in several tables


class Output:
    """The output of a command."""

    def __init__(self, stream: TextIO, format: str, *, has_color: bool = True) -> None:
        self.stream, self.format = stream, format
        self._has_color = has_color

    @property
    def is_pretty(self) -> bool:
        """Return whether people read the output."""
        return self.format == "pretty"

    def line(self, text: str = "") -> None:
        """Write a line of text."""
        self.stream.write(f"{printable(text)}\n")

    def json(self, document: Any) -> None:
        """Write a document as JSON: in one line of a stream, indented otherwise."""
        indent = None if self.format == "json-stream" else 2
        self.stream.write(safe_json(json.dumps(document, indent=indent, ensure_ascii=False)) + "\n")

    def document(self, document: Mapping[str, Any], columns: Columns | None = None) -> None:
        """Write one object; `columns` selects what people see, by default all members that fit in a line."""
        if not self.is_pretty:
            self.json(document)
            return
        shown = columns or {name: name for name, value in document.items() if not _is_nested(value)}
        rows = [(title, _value(document, column)) for title, column in shown.items()]
        self.table(("", ""), (row for row in rows if row[1] not in ("", None)), has_head=False)

    def items(self, items: Iterable[Mapping[str, Any]], columns: Columns, *, empty: str) -> None:
        """Write a list, as soon as its items arrive."""
        if self.format == "json-stream":
            for item in items:
                self.json(item)
        elif self.format == "json":
            self.array(items)
        else:
            rows = iter([_value(item, column) for column in columns.values()] for item in items)
            first = next(rows, None)
            if first is None:
                self.line(empty)
            else:
                self.table(tuple(columns), chain([first], rows))

    def array(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Write a JSON array without holding it in memory."""
        before = "[\n"
        for item in items:
            text = safe_json(json.dumps(item, indent=2, ensure_ascii=False)).replace("\n", "\n  ")
            self.stream.write(f"{before}  {text}")
            before = ",\n"
        self.stream.write("[]\n" if before == "[\n" else "\n]\n")

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[Any]], *, has_head: bool = True) -> None:
        """Write a table. A long one is written in parts, because its columns are as wide as their content."""
        from rich.table import Table
        from rich.text import Text

        def new_table() -> Table:
            table = Table(box=None, pad_edge=False, show_header=has_head, header_style="bold")
            for number, title in enumerate(titles):
                table.add_column(
                    title, no_wrap=number == 0, overflow="fold", style="" if has_head or number else "bold"
                )
            return table

        table = new_table()
        for row in rows:
            table.add_row(*(Text(text := cell(value), _STYLES.get(text, "")) for value in row))
            if table.row_count == _FIRST_ROWS:
                self.console.print(table)
                table = new_table()
        if table.row_count:
            self.console.print(table)

    @property
    def console(self) -> Console:
        """Return the terminal or file as rich uses it."""
        from rich.console import Console

        if not hasattr(self, "_console"):
            is_terminal = self.stream.isatty()
            self._console = Console(
                file=self.stream,
                width=None if is_terminal else _WIDE,
                no_color=not self._has_color or None,
                markup=False,
                highlight=False,
                emoji=False,
            )
        return self._console


def _value(item: Mapping[str, Any], column: Column) -> Any:
    return item.get(column) if isinstance(column, str) else column(item)


def _is_nested(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(isinstance(each, Mapping | list) for each in value.values())
    return isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value)
