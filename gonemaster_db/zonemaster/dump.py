"""Reads a dump of a MySQL or MariaDB database into a temporary SQLite file, in bounded memory.

`mysqldump` writes each table as CREATE TABLE and INSERT statements, one statement in a line for the rows, and the
entries before the tests that they belong to. The temporary file has the indexes that the import needs.
"""

import gzip
import re
import sqlite3
import zlib
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
_VALUE = re.compile(rb"\s*(?:_binary )?(?:'((?:[^'\\]++|\\.|'')*+)'|0x([0-9A-Fa-f]+)|([^,()'\s]+))([,)])", re.DOTALL)
_BEGIN = re.compile(rb"[\s,]*+([(;])")  # of the next row, or the end of the statement
_INCOMPLETE = re.compile(rb"\s*+(?:_binary )?(?:'(?:[^'\\]++|\\.|'')*+[\\']?|[^,()'\s]*+\s*+)\Z", re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)|''", re.DOTALL)
_ESCAPED = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a"}
_UNREADABLE = (OSError, EOFError, zlib.error)  # OSError includes a damaged header of gzip
PART_OCTETS = 1 << 20  # octets that are read at once; mysqldump starts a new statement after about as many
MAX_VALUE_OCTETS = 64 << 20  # octets
_CUT = "it ends in the middle of a statement"


def is_dump(path: Path) -> bool:
    """Return whether a file is a dump, plain or compressed with gzip, and not an SQLite database.

    Raises:
        SourceRefused: it cannot be read.
    """
    try:
        with _opened(path) as file:
            head = file.read(4096)
    except _UNREADABLE as error:
        raise SourceRefused(f"the dump {path} cannot be read: {error}") from error
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
                    _insert(database, table, found or columns.get(table) or _TABLES[table], rows, file)
            for statement in _INDEXES:
                database.execute(statement)
            database.execute("COMMIT")
    except (sqlite3.Error, *_UNREADABLE, _Damaged) as error:
        raise SourceRefused(f"the dump {path} cannot be read: {error}") from error


class _Damaged(Exception):
    """A statement that cannot be parsed."""


def _statements(file: gzip.GzipFile | BufferedReader) -> Iterator[tuple[bytes, list[str], bytes | None]]:
    """Yield table and columns of each CREATE TABLE; and table, columns and the first rows of each INSERT.

    The caller reads the other rows of an INSERT from the file, or does not: then they are skipped.
    """
    table, names, is_start = b"", list[str](), True
    while line := file.readline(PART_OCTETS):
        begins, is_start = is_start, line.endswith(b"\n")
        if not begins:  # the rest of a long line
            continue
        if found := _CREATE.match(line):
            table, names = found[1], []
        elif table and (column := _COLUMN.match(line)):
            names.append(column[1].decode())
        elif table and line.startswith(b")"):
            yield table, names, None
            table = b""
        elif found := _INSERT.match(line):
            given = [name.strip(b"` ").decode() for name in found[2].split(b",")] if found[2] else []
            yield found[1], given, line[found.end() :]
            is_start = is_start or found[1] in _TABLES


def _insert(
    database: sqlite3.Connection,
    table: bytes,
    names: list[str],
    rows: bytes,
    file: gzip.GzipFile | BufferedReader,
) -> None:
    wanted = [name for name in names if name in _TABLES[table]]
    places = [names.index(name) for name in wanted]
    marks = ", ".join("?" * len(wanted))
    statement = f"INSERT INTO {table.decode()} ({', '.join(wanted)}) VALUES ({marks})"  # noqa: S608  # names above
    database.executemany(statement, ([row[place] for place in places] for row in _rows(rows, len(names), file)))


def _rows(text: bytes, width: int, file: gzip.GzipFile | BufferedReader) -> Iterator[list[str | None]]:
    """Yield the rows of an INSERT statement, of which `text` is the first part; some tools write one row in a line."""
    position = 0
    while True:
        begin = _BEGIN.match(text, position)
        if begin is None:
            if text[position:].strip(b" \t\r\n,"):
                raise _malformed(text, position)
            text, position = file.readline(PART_OCTETS), 0
            if not text:
                raise _Damaged(_CUT)
            continue
        if begin[1] == b";":
            return
        text, position, row = _row(text, begin.end(), width, file)
        yield row


def _row(
    text: bytes, position: int, width: int, file: gzip.GzipFile | BufferedReader
) -> tuple[bytes, int, list[str | None]]:
    """Return a row, the text that has its end, and the position of the end."""
    row = list[str | None]()
    while True:
        found = _VALUE.match(text, position)
        if found is None and not _INCOMPLETE.match(text, position):
            raise _malformed(text, position)
        if (found.end() if found else len(text)) - position > MAX_VALUE_OCTETS:
            raise _Damaged(f"a value has more than {MAX_VALUE_OCTETS >> 20} MiB")
        if found is None:
            more = file.readline(
                max(PART_OCTETS, len(text) - position)
            )  # twice as much each time: the work stays linear
            if not more:
                raise _Damaged(_CUT)
            text, position = text[position:] + more, 0
            continue
        row.append(_value(found))
        position, is_last = found.end(), found[4] == b")"
        if is_last != (len(row) == width):
            raise _Damaged(
                f"a row has {len(row)} values instead of {width}" if is_last else f"more than {width} values"
            )
        if is_last:
            return text, position, row


def _malformed(text: bytes, position: int) -> _Damaged:
    return _Damaged(f"it has a malformed row near {text[position : position + 60]!r}")


def _value(found: re.Match[bytes]) -> str | None:
    quoted, digits, plain = found[1], found[2], found[3]
    if quoted is not None:
        if b"\\" in quoted or b"''" in quoted:
            quoted = _ESCAPE.sub(lambda each: _ESCAPED.get(each[1], each[1]) if each[1] else b"'", quoted)
        return quoted.decode("utf-8", "replace")
    if digits is not None:
        return bytes.fromhex(digits.decode()).decode("utf-8", "replace")
    return None if plain == b"NULL" else plain.decode()
