"""Entries across runs: as pages, or all as CSV in constant memory."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.searching import message_tag
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import State
from gonemaster_db.core.filters import EntryFilter
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.runs.entries import COUNT_UP_TO, list_entries, read_entries_after
from gonemaster_engine.findings.messages.formatting import escape_formula
from gonemaster_engine.texts import Text

COUNTED = COUNT_UP_TO  # Counting millions of entries would take longer than reading the page.
COLUMNS = ("id", "run_id", "domain_id", "domain", "timestamp", "module", "testcase", "tag", "level", "args")
MIN_ROWS, MAX_ROWS = 25, 1000  # rows per read
_CHARACTERS_PER_READ = 1024 * 1024  # approximately
_PIECE = 65536  # Approximate characters per piece; small, so that a slow client occupies little memory of the server.


def entry_filter(query: Mapping[str, Any]) -> EntryFilter:
    """Build the filter of a request."""
    return EntryFilter(
        run_id=query.get("run"),
        domain_id=query.get("domain"),
        domain_tag=query.get("tag"),
        module=query.get("module"),
        testcase=query.get("testcase"),
        tag=message_tag(query.get("entry_tag")),
        level=query.get("level"),
        latest=query["latest"],
        batch_id=query.get("batch"),
    )


def read_entries(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of entries.

    Raises:
        BadRequest: invalid_after.
    """
    part, after = slice_of(query), after_position(query.get("after"))
    with state.store.read_only() as session:
        criteria = entry_filter(query)
        page = list_entries(session, criteria, limit=part.limit, offset=part.offset, after=after, count_up_to=COUNTED)
    items = [_document(item) for item in page.items]
    document = page_document(items, page.total, part, is_cut=page.is_cut) | {"total_is_least": page.total_is_least}
    if len(items) == part.limit or page.is_cut:
        document["next_after"] = f"{items[-1]['run_id']}.{items[-1]['id']}"
        if page.total_is_least:
            document["next_cursor"] = str(part.offset + len(items))
    return document if after is None else _without_cursors(document)


def _without_cursors(page: dict[str, Any]) -> dict[str, Any]:
    """Remove the offset cursors, because a page after an entry continues only with `next_after`."""
    return {key: value for key, value in page.items() if key not in {"next_cursor", "prev_cursor"}}


def after_position(text: str | None) -> tuple[str, int] | None:
    """Return the run and the number of an entry of the form `run.number`, None without a text.

    Raises:
        BadRequest: invalid_after.
    """
    if text is None:
        return None
    run_id, _, number = text.rpartition(".")
    if not run_id or len(text) > 100 or not (number.isascii() and number.isdigit()) or len(number) > 18:
        raise BadRequest("invalid_after", Text("after must be a value from a previous page"))
    return run_id, int(number)


def _document(item: EntryRecord) -> dict[str, Any]:
    return {name: getattr(item, name) for name in COLUMNS}


def stream_csv(state: State, criteria: EntryFilter) -> Iterator[str]:
    """Yield all matching entries as CSV, in small pieces.

    Each transaction reads about a megabyte of entries, so that a slow client holds no database connection and little
    memory. Entries stored or deleted in the meantime may or may not be included.
    """
    yield from _pieces([COLUMNS])
    after: tuple[str, int] | None = None
    count = MIN_ROWS
    while True:
        items = _read_some(state, criteria, after, limit=count)
        pieces = list(_pieces(_row(_document(item)) for item in items))
        if not items:
            return
        yield from pieces
        after = items[-1].run_id, items[-1].id
        count = _next_count(len(items), sum(map(len, pieces)))


def _next_count(rows: int, characters: int) -> int:
    """Return the number of rows to read next, based on the size of the last rows, because entries can have any size."""
    return max(MIN_ROWS, min(MAX_ROWS, rows * _CHARACTERS_PER_READ // characters))


def _read_some(state: State, criteria: EntryFilter, after: tuple[str, int] | None, *, limit: int) -> list[EntryRecord]:
    with state.store.read_only() as session:
        return read_entries_after(session, criteria, after, limit=limit)


def _row(document: Mapping[str, Any]) -> list[str]:
    cells = dict(document) | {
        "timestamp": f"{document['timestamp']:.3f}",
        "args": json.dumps(document["args"], ensure_ascii=False, sort_keys=True),
    }
    return [escape_formula(str(cells[name])) for name in COLUMNS]


def _pieces(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow(row)
        if text.tell() >= _PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
