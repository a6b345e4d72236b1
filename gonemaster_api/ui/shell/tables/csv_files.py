"""CSV files: escapes cells that spreadsheets would evaluate, and makes hidden characters visible."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from flask import Response

from gonemaster_api.rest.fields import rfc3339
from gonemaster_api.ui.shell.texts.hidden_characters import clean
from gonemaster_engine.findings.messages.formatting import escape_formula


def csv_rows(rows: Iterable[Iterable[object]]) -> str:
    """Return rows; None is an empty cell, a time is written as in the API."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([_cell(cell) for cell in row])
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return escape_formula(clean(rfc3339(value) if isinstance(value, datetime) else str(value)))


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a header and rows as CSV."""
    return csv_rows([columns]) + csv_rows(rows)


def csv_file(name: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Response:
    """Return a CSV file to download; in its name, only ASCII letters, digits, `-` and `_` are kept."""
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "_" for letter in name)
    headers = {"Content-Disposition": f'attachment; filename="{safe}.csv"'}
    return Response(csv_text(columns, rows), mimetype="text/csv", headers=headers)
