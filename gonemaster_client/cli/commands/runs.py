"""Commands about runs and entries."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from gonemaster_client.calls import runs
from gonemaster_client.cli.output import Columns
from gonemaster_client.cli.session import Session
from gonemaster_client.cli.views import show_result

COLUMNS: Columns = {
    "ID": "id", "Domain": "domain", "Status": "status", "Level": "worst_level", "Grade": "grade", "Score": "score",
    "Verdict": "verdict", "Finished": "finished_at", "Batch": "batch_id",
}  # fmt: skip
_ENTRIES: Columns = {
    "Domain": "domain", "Level": "level", "Test case": lambda entry: entry["testcase"] or entry["module"], "Tag": "tag",
    "Arguments": "args",
}  # fmt: skip
_DEFAULT_LIMIT = 100


def search(session: Session, options: argparse.Namespace) -> None:
    """List runs."""
    names = ("tag", "domain", "batch", "level", "verdict")
    query: Any = {name: getattr(options, name) for name in names}
    found = session.client.each(runs.search(**query), options.limit or None)
    session.output.items(found, COLUMNS, empty="No runs.")


def show(session: Session, options: argparse.Namespace) -> None:
    """Show a run."""
    run = session.client.send(runs.show(options.id))
    shown = {name: name for name in run if name not in ("effective_profile", "nameserver_timings")}
    session.output.document(run, shown)


def result(session: Session, options: argparse.Namespace) -> None:
    """Show the result of a run."""
    run = session.client.send(runs.show(options.id))
    found = session.client.send(runs.result(options.id, locale=options.locale))
    show_result(session.output, found, run, options.view)


def entries(session: Session, options: argparse.Namespace) -> None:
    """List entries, or download them as CSV."""
    query: Any = {
        "tag": options.tag,
        "batch": options.batch,
        "module": options.module,
        "testcase": options.testcase,
        "entry_tag": options.entry_tag,
        "level": options.level,
        "latest": options.latest or None,
    }
    if session.output.format == "csv":
        pieces = session.client.download(runs.entries_as_csv(**query))
        _write_csv(session, pieces, options.limit or None)
        return
    limit = _DEFAULT_LIMIT if options.limit is None else options.limit or None
    session.output.items(session.client.each(runs.entries(**query), limit), _ENTRIES, empty="No entries.")


def _write_csv(session: Session, pieces: Iterator[bytes], limit: int | None) -> None:
    """Write the rows that the server sends; a limit counts rows, because a cell can contain line breaks."""
    with io.TextIOWrapper(io.BufferedReader(_Pieces(pieces)), encoding="utf-8", newline="") as text:
        rows = csv.reader(text)
        wanted: Iterable[list[str]] = rows if limit is None else islice(rows, limit + 1)
        csv.writer(session.output.stream, lineterminator="\n").writerows(wanted)


class _Pieces(io.RawIOBase):
    """The pieces of a download as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and (piece := next(self._pieces, None)) is not None:
            self._rest = piece
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
