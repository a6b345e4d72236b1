"""CSV: one row for each finding (RFC 4180). Cells that a spreadsheet would evaluate are escaped."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from gonemaster_engine.cli.formats.model import EndedRun, Format
from gonemaster_engine.findings.messages.formatting import escape_formula

COLUMNS = ("domain", "timestamp", "module", "testcase", "tag", "level", "message", "args")


class CsvFormat(Format):
    """Writes a row of titles, then a row for each finding."""

    def start(self) -> Iterator[str]:
        """Yield the row of titles."""
        yield _row(COLUMNS)

    def run(self, ended: EndedRun) -> Iterator[str]:
        """Yield a row for each finding."""
        for entry, text in self.shown(ended):
            args = json.dumps(entry.args, sort_keys=True)
            seconds = f"{entry.timestamp:.3f}"
            source = entry.module, entry.testcase, entry.tag, entry.level.name
            yield _row((ended.result.domain, seconds, *source, text, args))


def _row(cells: tuple[str, ...]) -> str:
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow([escape_formula(cell) for cell in cells])
    return row.getvalue()
