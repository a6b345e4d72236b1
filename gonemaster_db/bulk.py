"""Many rows at once: COPY on PostgreSQL, executemany on SQLite, memory for one chunk."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import psycopg2
from sqlalchemy import Dialect, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gonemaster_db.base import Base
from gonemaster_db.chunks import chunks
from gonemaster_db.json_text import clean_text

Row = Sequence[Any]
_CHUNK = 1000
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})  # COPY text format


def insert_rows(session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows whose values stand in the order of `columns`; column defaults do not apply."""
    session.flush()
    table = cast("Table", model.__table__)
    stored = _convert(rows, _converters(table, tuple(columns), session.get_bind().dialect))
    if session.get_bind().dialect.name == "postgresql":
        _copy(session, f"COPY {table.name} ({', '.join(columns)}) FROM STDIN", stored)
    else:
        _insert_many(session, table.name, columns, stored)


@lru_cache(maxsize=64)
def _converters(table: Table, columns: tuple[str, ...], dialect: Dialect) -> list[Callable[[Any], Any] | None]:
    return [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns]


def _convert(rows: Iterable[Row], converters: Sequence[Callable[[Any], Any] | None]) -> Iterator[list[Any]]:
    """Bring the values to what the driver takes, as SQLAlchemy does for its own statements."""
    for row in rows:
        yield [value if convert is None else convert(value) for value, convert in zip(row, converters, strict=True)]


def _insert_many(session: Session, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608  # names from the models
    connection = session.connection()
    for chunk in chunks(rows, _CHUNK):
        connection.exec_driver_sql(statement, [tuple(row) for row in chunk])


def _copy(session: Session, statement: str, rows: Iterable[Row]) -> None:
    connection = session.connection()
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101  # a connection in use has one
    source = _CopyText(rows)
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
    """The file that COPY reads from: one line per row, made when it is asked for."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._lines = ("\t".join(map(_field, row)) + "\n" for row in rows)
        self.failure: Exception | None = None

    def read(self, size: int) -> str:
        """Whole lines of about `size` characters (psycopg2 takes more); empty at the end."""
        parts, length = [], 0
        try:
            while length < size and (line := next(self._lines, None)):
                parts.append(line)
                length += len(line)
        except Exception as error:
            self.failure = error  # psycopg2 would keep only its text
            raise
        return "".join(parts)


def _field(value: Any) -> str:
    match value:
        case None:
            return r"\N"
        case str():
            return clean_text(value).translate(_ESCAPES)
        case bool():
            return "t" if value else "f"
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
