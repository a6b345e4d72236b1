"""Writes facts to Parquet files: sorted by domain, compressed with ZSTD, complete or absent.

A file appears under its name only when it is complete and on disk, so that a killed writer leaves no file that a reader
could take for a whole one.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gonemaster_db.analysis.columns.schema import arrow_schema, check_version
from gonemaster_db.core.chunks import chunks

ROWS_PER_FILE = 100_000
_ROWS_PER_TABLE = 1_000  # rows that exist as Python objects at a time
_ROWS_PER_GROUP = 20_000
OPTIONS: Mapping[str, Any] = {
    "compression": "zstd",
    "compression_level": 6,
    "row_group_size": _ROWS_PER_GROUP,
    "write_statistics": ["domain", "finished_at"],
}
"""Options of `pyarrow.parquet.write_table`; texts have dictionaries."""


def write_files(
    folder: Path, rows: Iterable[Mapping[str, Any]], *, rows_per_file: int = ROWS_PER_FILE
) -> Iterator[Path]:
    """Write rows to the files `facts-00001.parquet` and so on; yield each file when it is complete.

    Memory holds the rows of one file as columns, and 1,000 rows as objects.

    Raises:
        ColumnsMissing: pyarrow is not installed.
        OSError: a file cannot be written; it does not exist then.
    """
    schema, rows_per_table = arrow_schema(), min(_ROWS_PER_TABLE, rows_per_file)
    tables = _tables(rows, schema, rows_per_table)
    for number, group in enumerate(chunks(tables, rows_per_file // rows_per_table), 1):
        path = folder / f"facts-{number:05}.parquet"
        write_file(path, group, schema)
        yield path


def write_file(path: Path, tables: list[Any], schema: Any) -> None:
    """Write tables of rows to one file, sorted by domain and time.

    Raises:
        OSError: the file cannot be written; it does not exist then.
    """
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.concat_tables(tables).sort_by([("domain", "ascending"), ("finished_at", "ascending")])
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            parquet.write_table(table.cast(schema), file, **OPTIONS)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def _tables(rows: Iterable[Mapping[str, Any]], schema: Any, rows_per_table: int) -> Iterator[Any]:
    import pyarrow as pa

    for group in chunks(rows, rows_per_table):
        yield pa.Table.from_pylist(group, schema=schema)


def count_rows(path: Path) -> int:
    """Return the number of rows of a file.

    Raises:
        SchemaRefused: the file has no facts of this version.
        OSError: the file cannot be read.
    """
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        check_version(file.schema_arrow.metadata, path.name)
        return int(file.metadata.num_rows)
