"""Bulk insertion: COPY on PostgreSQL, executemany on SQLite; memory is bounded by one chunk."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import psycopg2
from sqlalchemy import Connection, Dialect, Integer, LargeBinary, String, Table, TableClause
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator, TypeEngine

from gonemaster_db.core.base import Base
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.json_text import clean_text

Row = Sequence[Any]
Convert = Callable[[Any], Any]
_CHUNK = 1000
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})  # COPY text format
_NULL = r"\N"


def insert_rows(session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows with values in the order of `columns`; column defaults do not apply."""
    session.flush()
    insert_into_table(session.connection(), cast("Table", model.__table__), columns, rows)


def insert_into_table(connection: Connection, table: TableClause, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows like `insert_rows`, without a session, into any table with typed columns."""
    dialect = connection.dialect
    if dialect.name == "postgresql":
        encoders = [_repeating(encode) for encode in _encoders(table, tuple(columns), dialect)]
        _copy(connection, f"COPY {table.name} ({', '.join(columns)}) FROM STDIN", _lines(rows, encoders))
    else:
        stored = _convert(rows, _converters(table, tuple(columns), dialect))
        _insert_many(connection, table.name, columns, stored)


@lru_cache(maxsize=64)
def _converters(table: TableClause, columns: tuple[str, ...], dialect: Dialect) -> list[Convert | None]:
    return [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns]


def _convert(rows: Iterable[Row], converters: Sequence[Convert | None]) -> Iterator[list[Any]]:
    """Convert the values for the driver, as SQLAlchemy does for its own statements."""
    for row in rows:
        yield [value if convert is None else convert(value) for value, convert in zip(row, converters, strict=True)]


def _insert_many(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    placeholders = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({placeholders})"  # noqa: S608  # names from the models
    for chunk in chunks(rows, _CHUNK):
        connection.exec_driver_sql(statement, [tuple(row) for row in chunk])


@lru_cache(maxsize=64)
def _encoders(table: TableClause, columns: tuple[str, ...], dialect: Dialect) -> list[Callable[[Any], str]]:
    """Return the function that encodes each column in the text format of COPY."""
    converters = _converters(table, columns, dialect)
    kinds = [table.c[name].type for name in columns]
    return [_encoder(kind, convert, dialect) for kind, convert in zip(kinds, converters, strict=True)]


def _encoder(kind: TypeEngine[Any], convert: Convert | None, dialect: Dialect) -> Callable[[Any], str]:
    if isinstance(kind, LargeBinary):
        return _hexadecimal
    if isinstance(kind, TypeDecorator) and isinstance(kind.impl, LargeBinary):
        return lambda value: _hexadecimal(kind.process_bind_param(value, dialect))
    if convert is not None:
        return lambda value: _field(convert(value))
    if isinstance(kind, String) and kind.length:
        return _code
    if isinstance(kind, Integer):
        return _number
    return _field


def _repeating(encode: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return a function that encodes an object once if it follows itself: most columns of a batch have one value."""
    last, text = object(), ""

    def encoded(value: Any) -> str:
        nonlocal last, text
        if value is not last:
            last, text = value, encode(value)
        return text

    return encoded


def _lines(rows: Iterable[Row], encoders: Sequence[Callable[[Any], str]]) -> Iterator[str]:
    for row in rows:
        yield "\t".join([encode(value) for encode, value in zip(encoders, row, strict=True)]) + "\n"


def _copy(connection: Connection, statement: str, lines: Iterator[str]) -> None:
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101  # a connection in use has one
    source = _CopyText(lines)
    with raw.cursor() as cursor:
        try:
            cursor.copy_expert(statement, source)
        except psycopg2.Error as error:
            if source.failure is not None:
                raise source.failure from None
            lost = connection.dialect.is_disconnect(cast("Any", error), raw, cursor)
            raise DBAPIError.instance(
                statement, None, error, psycopg2.Error, connection_invalidated=lost, dialect=connection.dialect
            ) from error


class _CopyText:
    """The file object that COPY reads from; lines are produced on demand."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.failure: Exception | None = None

    def read(self, size: int) -> str:
        """Return whole lines of about `size` characters (psycopg2 accepts more); an empty string at the end."""
        parts, length = [], 0
        try:
            while length < size and (line := next(self._lines, None)):
                parts.append(line)
                length += len(line)
        except Exception as error:
            self.failure = error  # psycopg2 keeps only the text of the exception.
            raise
        return "".join(parts)


@lru_cache(maxsize=4096)
def _code(value: str | None) -> str:
    """Encode a short string; most are tags, test cases and modules, which repeat in each run."""
    return _field(value)


def _hexadecimal(value: bytes | None) -> str:
    return _NULL if value is None else rf"\\x{value.hex()}"


def _number(value: float | None) -> str:
    return _NULL if value is None else str(value)


def _field(value: Any) -> str:
    if isinstance(value, str):
        text = clean_text(value)
        # The check is much cheaper than translate(), and few texts need it.
        return text.translate(_ESCAPES) if any(map(text.__contains__, "\\\n\r\t")) else text
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return "t" if value else "f"
    return value.isoformat() if isinstance(value, datetime) else str(value)
