"""Exports the facts of stored runs to files, as Parquet, JSON lines or CSV, in bounded memory."""

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from gonemaster_db.analysis.columns.rows import RunSelection, check_selection, run_keys_after
from gonemaster_db.analysis.columns.schema import COLUMNS, VERSION, check_columns
from gonemaster_db.analysis.columns.writer import ROWS_PER_FILE, count_rows, write_files
from gonemaster_db.core.session import Store
from gonemaster_engine.findings.messages.formatting import escape_formula
from gonemaster_tasks.maintenance.projection.outline import Outlines
from gonemaster_tasks.maintenance.projection.reading import read_runs_for_columns

Format = Literal["parquet", "jsonl", "csv"]
FORMATS: tuple[Format, ...] = ("parquet", "jsonl", "csv")
MANIFEST = "facts.json"
_RUNS_AT_A_TIME = 300


class ExportRefused(Exception):
    """The export cannot start; the message says why."""


@dataclass(slots=True)
class ExportReport:
    """The runs that were exported so far, and those whose stored documents are damaged."""

    runs: int = 0
    damaged: int = 0


def export_facts(
    store: Store,
    folder: Path,
    selection: RunSelection,
    *,
    format: Format = "parquet",
    floor: str = "NOTICE",
    rows_per_file: int = ROWS_PER_FILE,
    report: Callable[[ExportReport], None] = lambda _: None,
) -> ExportReport:
    """Write the facts of runs to a new or empty folder, and at the end `facts.json`, which lists the files.

    `floor` is the lowest level of the findings. A folder without `facts.json` has an incomplete export.

    Raises:
        ExportRefused: the folder is not empty.
        BatchNotFound, TagNotFound: batch or tag of the selection does not exist.
        ColumnsMissing: Parquet, and pyarrow is not installed.
        OSError: a file cannot be written.
    """
    if format == "parquet":
        check_columns()
    with store.read_only() as session:
        check_selection(session, selection)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ExportRefused(f"the folder {folder} is not empty; choose a new one")
    found = ExportReport()
    rows = _rows(store, selection, floor, found, report)
    if format == "parquet":
        files = {path.name: count_rows(path) for path in write_files(folder, rows, rows_per_file=rows_per_file)}
    else:
        path = folder / ("facts.jsonl.gz" if format == "jsonl" else "facts.csv.gz")
        files = {path.name: _write_lines(path, rows, format)}
    manifest = {"facts": VERSION, "format": format, "min_level": floor, "runs": found.runs, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return found


def _rows(
    store: Store, selection: RunSelection, floor: str, found: ExportReport, report: Callable[[ExportReport], None]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of runs in order of key. Each part is read in a separate transaction."""
    outlines, last = Outlines(floor), -1
    while True:
        with store.read_only() as session:
            keys = run_keys_after(session, selection, last, limit=_RUNS_AT_A_TIME)
            runs = read_runs_for_columns(session, keys)
        for each in runs.project(outlines):
            if each.facts is None:
                found.damaged += 1
            else:
                found.runs += 1
                yield runs.row(each.facts)
        report(found)
        if not keys:
            return
        last = keys[-1]


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]], format: Format) -> int:
    number = 0
    with _complete_or_absent(path) as file:
        write = _json_lines(file) if format == "jsonl" else _csv_rows(file)
        for number, row in enumerate(rows, 1):  # noqa: B007 - counts the rows
            write(row)
    return number


@contextmanager
def _complete_or_absent(path: Path) -> Iterator[IO[str]]:
    partial = path.with_name(f".{path.name}.partial")
    try:
        with gzip.open(partial, "xt", encoding="utf-8", newline="") as file:
            yield file
        partial.rename(path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def _json_lines(file: IO[str]) -> Callable[[Mapping[str, Any]], None]:
    encoder = msgspec.json.Encoder()

    def write(row: Mapping[str, Any]) -> None:
        file.write(encoder.encode(row).decode() + "\n")

    return write


def _csv_rows(file: IO[str]) -> Callable[[Mapping[str, Any]], None]:
    """Return a function that writes a row; lists of structures are JSON, and texts that are formulas are escaped."""
    writer = csv.writer(file)
    writer.writerow(column.name for column in COLUMNS)
    encoder = msgspec.json.Encoder()
    nested = {column.name for column in COLUMNS if column.type == "list"}

    def cell(name: str, value: Any) -> str:
        if value is None:
            return ""
        if name in nested:
            return encoder.encode(value).decode()
        if name == "finished_at":
            return str(value.isoformat()).replace("+00:00", "Z")
        return escape_formula(" ".join(value) if isinstance(value, list) else str(value))

    def write(row: Mapping[str, Any]) -> None:
        writer.writerow([cell(column.name, row[column.name]) for column in COLUMNS])

    return write
