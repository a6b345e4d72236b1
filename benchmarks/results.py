"""The table of all figures in RESULTS.md: a row for each figure, a column for each recorded measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from benchmarks.worlds import ROOT

RESULTS = ROOT / "benchmarks/RESULTS.md"
HEADING = "## All figures: `make bench`"
Figures: TypeAlias = Mapping[str, float]


def recorded(text: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the column titles of the table in RESULTS.md, and the cells of each row by its figure."""
    table = re.search(r"^\|.*(?:\n\|.*)*", text[text.index(HEADING) :], re.MULTILINE)
    assert table, "RESULTS.md has no table of all figures"
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()]
    return head[1:], {name: cells for name, *cells in rows}


def with_column(text: str, title: str, figures: Figures) -> str:
    """Return the text of RESULTS.md with one more column."""
    titles, rows = recorded(text)
    empty = [""] * len(titles)
    cells = {
        name: [*rows.get(name, empty), f"{figures[name]:g}" if name in figures else ""] for name in {**rows, **figures}
    }
    lines = [["figure", *titles, title], ["---"] * (len(titles) + 2), *([name, *row] for name, row in cells.items())]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    start = text.index(HEADING)
    return text[:start] + re.sub(r"^\|.*(?:\n\|.*)*", lambda _: table, text[start:], count=1, flags=re.MULTILINE)


def last_commit(text: str) -> str:
    """Return the commit of the last column of the table in RESULTS.md."""
    return recorded(text)[0][-1].split(",")[1].strip()
