"""Reads a dump of a MySQL or MariaDB database into a temporary SQLite file, in bounded memory.

`mysqldump` writes each table as CREATE TABLE and INSERT statements, one statement in a line for the rows, and the
entries before the tests that they belong to. The temporary file has the indexes that the import needs.
"""

import gzip
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import BufferedReader
from pathlib import Path

from gonemaster_db.zonemaster.source import SourceRefused

_TABLES = {
    b"test_results": [
        "id", "hash_id", "domain", "batch_id", "created_at", "started_at", "ended_at", "priority", "queue", "progress",
        "fingerprint", "params", "results", "undelegated",
    ],
    b"result_entries": ["hash_id", "level", "module", "testcase", "tag", "timestamp", "args"],
    b"batch_jobs": ["id", "username", "created_at"],
    b"log_level": ["value", "level"],
}  # fmt: skip
_NUMBERS = dict.fromkeys(("id", "batch_id", "progress", "priority", "level", "value", "timestamp"), "NUMERIC")
_INDEXES = (
    "CREATE UNIQUE INDEX tests ON test_results (id)",
    "CREATE INDEX entries ON result_entries (hash_id)",
    "CREATE INDEX batches ON test_results (batch_id)",
)
_CREATE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?`(\w+)`")
_COLUMN = re.compile(rb"\s+`(\w+)` ")
_INSERT = re.compile(rb"INSERT (?:IGNORE )?INTO `(\w+)` (?:\(([^)]*)\) )?VALUES\s*")
_VALUE = re.compile(rb"\s*(?:_binary )?(?:'((?:[^'\\]|\\.|'')*)'|0x([0-9A-Fa-f]+)|([^,()'\s]+))([,)])", re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)|''", re.DOTALL)
_ESCAPED = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a"}
_BLOCK = 5000
_MAX_LINE = 1 << 30  # the largest statement that MySQL accepts


def is_dump(path: Path) -> bool:
    """Return whether a file is a dump, plain or compressed with gzip, and not an SQLite database."""
    with _opened(path) as file:
        head = file.read(4096)
    return b"MySQL dump" in head or b"MariaDB dump" in head or _CREATE.search(head) is not None


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if is_packed else path.open("rb")


def stage_dump(path: Path, staged: Path) -> None:
    """Write the tables of a dump to a new SQLite file.

    Raises:
        SourceRefused: the dump is damaged, or lacks a table.
    """
    columns: dict[bytes, list[str]] = {}
    try:
        with closing(sqlite3.connect(staged, isolation_level=None)) as database, _opened(path) as file:
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            for table, names in _TABLES.items():
                columns_text = ", ".join(f"{name} {_NUMBERS.get(name, 'TEXT')}" for name in names)
                database.execute(f"CREATE TABLE {table.decode()} ({columns_text})")
            database.execute("BEGIN")
            for table, found, rows in _statements(file):
                if rows is None:
                    columns[table] = found
                elif table in _TABLES:
                    _insert(database, table, found or columns.get(table) or _TABLES[table], rows)
            for statement in _INDEXES:
                database.execute(statement)
            database.execute("COMMIT")
    except (sqlite3.Error, EOFError, gzip.BadGzipFile, _Damaged) as error:
        raise SourceRefused(f"the dump {path} cannot be read: {error}") from error


class _Damaged(Exception):
    """A statement that cannot be parsed."""


def _statements(file: gzip.GzipFile | BufferedReader) -> Iterator[tuple[bytes, list[str], bytes | None]]:
    """Yield table and columns of each CREATE TABLE, and table, columns and rows of each INSERT."""
    table, names = b"", list[str]()
    while line := file.readline(_MAX_LINE):
        if found := _CREATE.match(line):
            table, names = found[1], []
        elif table and (column := _COLUMN.match(line)):
            names.append(column[1].decode())
        elif table and line.startswith(b")"):
            yield table, names, None
            table = b""
        elif found := _INSERT.match(line):
            given = [name.strip(b"` ").decode() for name in found[2].split(b",")] if found[2] else []
            rest = line[found.end() :] or file.readline(_MAX_LINE)
            while not rest.rstrip().endswith(b";"):  # some tools write one row in a line
                more = file.readline(_MAX_LINE)
                if not more:
                    raise _Damaged("it ends in the middle of a statement")
                rest += more
            yield found[1], given, rest


def _insert(database: sqlite3.Connection, table: bytes, names: list[str], rows: bytes) -> None:
    wanted = [name for name in names if name in _TABLES[table]]
    places = [names.index(name) for name in wanted]
    marks = ", ".join("?" * len(wanted))
    statement = f"INSERT INTO {table.decode()} ({', '.join(wanted)}) VALUES ({marks})"  # noqa: S608  # names above
    database.executemany(statement, ([row[place] for place in places] for row in _rows(rows, len(names))))


def _rows(text: bytes, width: int) -> Iterator[list[str | None]]:
    """Yield the rows of an INSERT statement."""
    position, row = text.find(b"(") + 1, list[str | None]()
    while position > 0:
        found = _VALUE.match(text, position)
        if found is None:
            raise _Damaged(f"it has a malformed row near {text[position : position + 60]!r}")
        row.append(_value(found))
        position = found.end()
        if found[4] == b")":
            if len(row) != width:
                raise _Damaged(f"a row has {len(row)} values instead of {width}")
            yield row
            row = []
            position = text.find(b"(", position) + 1


def _value(found: re.Match[bytes]) -> str | None:
    quoted, digits, plain = found[1], found[2], found[3]
    if quoted is not None:
        if b"\\" in quoted or b"''" in quoted:
            quoted = _ESCAPE.sub(lambda each: _ESCAPED.get(each[1], each[1]) if each[1] else b"'", quoted)
        return quoted.decode("utf-8", "replace")
    if digits is not None:
        return bytes.fromhex(digits.decode()).decode("utf-8", "replace")
    return None if plain == b"NULL" else plain.decode()
