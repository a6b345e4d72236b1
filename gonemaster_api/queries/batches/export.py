"""A whole batch as a file: its jobs, or the entries of its runs, in order of ID and in constant memory.

Each block of rows is read in a separate transaction, so that a slow client holds no database connection. The cursor of
a row is its ID; a download that breaks off continues after the last row that arrived.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.runs.entries import MAX_ROWS, after_position
from gonemaster_api.rest.fields import rfc3339
from gonemaster_api.state import State
from gonemaster_db.batches.batches import get_batch
from gonemaster_db.core.filters import EntryFilter, JobFilter
from gonemaster_db.core.ids import is_job_id
from gonemaster_db.core.levels import SEVERITIES
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Job, Run
from gonemaster_db.runs.causes import read_cause_sets
from gonemaster_db.runs.entries import read_entries_after
from gonemaster_db.runs.job_walk import jobs_after
from gonemaster_engine.findings.messages.formatting import escape_formula
from gonemaster_engine.texts import Text

JOBS_PER_READ = 500
PIECE = 64 * 1024  # approximate characters

Row = Mapping[str, Any]


class Content(StrEnum):
    """The rows of an export."""

    RUNS = "runs"
    ENTRIES = "entries"


class Kind(StrEnum):
    """The type of a column."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    TIME = "time"
    TEXTS = "texts"  # a list
    DOCUMENT = "document"  # a JSON object


_SCORE = {"score": Kind.INTEGER, "grade": Kind.TEXT}
COLUMNS: Mapping[Content, Mapping[str, Kind]] = {
    Content.RUNS: {
        "id": Kind.TEXT,
        "domain": Kind.TEXT,
        "status": Kind.TEXT,
        "error": Kind.TEXT,
        "created_at": Kind.TIME,
        "started_at": Kind.TIME,
        "finished_at": Kind.TIME,
        "duration_ms": Kind.INTEGER,
        "profile_name": Kind.TEXT,
        "worst_level": Kind.TEXT,
        **{f"sev_{level.lower()}": Kind.INTEGER for level in SEVERITIES},
        "entry_count": Kind.INTEGER,
        "root_causes": Kind.TEXTS,
        "policy": Kind.TEXT,
        "policy_version": Kind.TEXT,
        "verdict": Kind.TEXT,
        **_SCORE,
    },
    Content.ENTRIES: {
        "id": Kind.TEXT,
        "run_id": Kind.TEXT,
        "domain": Kind.TEXT,
        "timestamp": Kind.FLOAT,
        "module": Kind.TEXT,
        "testcase": Kind.TEXT,
        "tag": Kind.TEXT,
        "level": Kind.TEXT,
        "args": Kind.DOCUMENT,
    },
}


@dataclass(frozen=True)
class Export:
    """The requested rows: `after` is the ID of the last row that the client has, `limit` the maximum number of rows."""

    batch_id: str
    content: Content
    after: str | None
    limit: int | None


def columns_of(state: State, content: Content) -> Mapping[str, Kind]:
    """Return the columns with their types; without scores if settings hide them."""
    shown = COLUMNS[content]
    return shown if state.settings.show_score_admin else {name: shown[name] for name in shown if name not in _SCORE}


def rows_of(state: State, export: Export) -> Iterator[Row]:
    """Return the rows, which are read while they are consumed.

    Raises:
        BatchNotFound: the batch does not exist.
        BadRequest: invalid_after.
    """
    with state.store.read_only() as session:
        get_batch(session, export.batch_id)
    read = _runs if export.content is Content.RUNS else _entries
    return islice(read(state, export), export.limit)


def _runs(state: State, export: Export) -> Iterator[Row]:
    if export.after is not None and not is_job_id(export.after):
        raise BadRequest("invalid_after", Text("after must be a value from a previous page"))
    criteria, last = JobFilter(batch_id=export.batch_id), export.after or ""
    return _runs_after(state, export, criteria, last)


def _runs_after(state: State, export: Export, criteria: JobFilter, last: str) -> Iterator[Row]:

    def read() -> list[Row]:
        with state.store.read_only() as session:
            items = jobs_after(session, criteria, last, limit=JOBS_PER_READ)
            _check_end(session, export, has_more=bool(items))
            causes = read_cause_sets(session, [item.cause_set_id for item in items if isinstance(item, Run)])
            return [_run(item, causes) for item in items]

    while rows := read():
        yield from rows
        last = rows[-1]["id"]


def _check_end(session: Session, export: Export, *, has_more: bool) -> None:
    """Break the download off if the batch was deleted meanwhile: a partial file must not look complete.

    Raises:
        BatchNotFound: the batch was deleted.
    """
    if not has_more:
        get_batch(session, export.batch_id)


def _run(item: Job | Run, causes: Mapping[int, Sequence[str]]) -> Row:
    row = {name: getattr(item, name, None) for name in COLUMNS[Content.RUNS]}
    if isinstance(item, Run):
        row["root_causes"] = None if item.cause_set_id is None else causes.get(item.cause_set_id)
    return row | {"status": item.status.value}


def _entries(state: State, export: Export) -> Iterator[Row]:
    criteria, last = EntryFilter(batch_id=export.batch_id), after_position(export.after)

    def generate() -> Iterator[Row]:
        position = last
        while True:
            with state.store.read_only() as session:
                items = read_entries_after(session, criteria, position, limit=MAX_ROWS)
                _check_end(session, export, has_more=bool(items))
            if not items:
                return
            yield from map(_entry, items)
            position = items[-1].run_id, items[-1].id

    return generate()


def _entry(item: EntryRecord) -> Row:
    row = {name: getattr(item, name) for name in COLUMNS[Content.ENTRIES]}
    return row | {"id": f"{item.run_id}.{item.id}"}


def as_json_lines(rows: Iterable[Row], columns: Mapping[str, Kind]) -> Iterator[bytes]:
    """Yield the rows as JSON, one in a line."""
    encoder = msgspec.json.Encoder()
    lines, size = [], 0
    for row in rows:
        line = encoder.encode({name: _as_json(row[name]) for name in columns})
        lines.append(line)
        size += len(line)
        if size >= PIECE:
            yield b"\n".join(lines) + b"\n"
            lines, size = [], 0
    if lines:
        yield b"\n".join(lines) + b"\n"


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, str) else value  # an error is a subclass of str


def as_csv(rows: Iterable[Row], columns: Mapping[str, Kind]) -> Iterator[bytes]:
    """Yield the rows as CSV with a header; cells that a spreadsheet would evaluate have an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    cells: Mapping[Kind, Callable[[Any], str]] = {
        Kind.TIME: rfc3339,
        Kind.FLOAT: "{:.6f}".format,
        Kind.TEXTS: " ".join,
        Kind.DOCUMENT: lambda value: msgspec.json.encode(value).decode(),
    }
    writers = [(name, cells.get(kind, str)) for name, kind in columns.items()]
    for row in rows:
        writer.writerow(["" if row[name] is None else escape_formula(as_text(row[name])) for name, as_text in writers])
        if text.tell() >= PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()
