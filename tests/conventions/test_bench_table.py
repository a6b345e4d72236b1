"""The table of all figures in benchmarks/RESULTS.md can be read, and gets a column for each recorded measurement."""

from __future__ import annotations

import re

from benchmarks.results import HEADING, RESULTS, last_commit, recorded, with_column

TEXT = (
    f"# Results\n\n{HEADING}\n\n| figure | 2026-11-30, 0123abcd, E2 |\n| --- | --- |\n| a | 1 |\n\n## Next\n\n| b |\n"
)


def test_a_measurement_adds_a_column_and_rows_for_new_figures() -> None:
    text = with_column(TEXT, "2026-12-01, 89abcdef, E2", {"c": 2.5})
    assert recorded(text) == (
        ["2026-11-30, 0123abcd, E2", "2026-12-01, 89abcdef, E2"],
        {"a": ["1", ""], "c": ["", "2.5"]},
    )
    assert last_commit(text) == "89abcdef"
    assert text.endswith("\n\n## Next\n\n| b |\n")


def test_the_last_column_names_a_commit() -> None:
    assert re.fullmatch(r"[0-9a-f]{8}", last_commit(RESULTS.read_text(encoding="utf-8")))
