"""One connection to a private database, with its CPU time, WAL and size."""

from __future__ import annotations

import io
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg2

_COPIED = 200
"""From this number of rows on a bulk insert pays off."""
_SIZE = """
    SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind = 'r'
"""


class Database(ABC):
    """One connection; statements use question marks for parameters."""

    name: ClassVar[str]

    @abstractmethod
    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]: ...

    @abstractmethod
    def insert(self, table: str, rows: Iterable[Sequence[Any]]) -> None: ...

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def cpu_s(self) -> float: ...

    @abstractmethod
    def wal_octets(self) -> int: ...

    @abstractmethod
    def octets(self) -> int: ...

    @abstractmethod
    def maintain(self) -> None:
        """Do what autovacuum does, on PostgreSQL."""


class Postgres(Database):
    name = "postgres"

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg2.connect(dsn)
        self._cursor = self.connection.cursor()
        self._stat = Path(f"/proc/{self.connection.get_backend_pid()}/schedstat")

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        self._cursor.execute(statement.replace("?", "%s"), parameters)
        return self._cursor.fetchall() if self._cursor.description else []

    def insert(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        values = list(rows)
        if len(values) >= _COPIED:
            copied = "".join("\t".join(map(_field, row)) + "\n" for row in values)
            self._cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(copied))
        elif values:
            places = f"({', '.join(['%s'] * len(values[0]))})"
            statement = f"INSERT INTO {table} VALUES {', '.join([places] * len(values))}"
            self._cursor.execute(statement, [value for row in values for value in row])

    def commit(self) -> None:
        self.connection.commit()

    def cpu_s(self) -> float:
        return int(self._stat.read_text().split()[0]) / 1e9

    def wal_octets(self) -> int:
        found = self.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")[0][0]
        self.commit()
        return int(found)

    def octets(self) -> int:
        return int(self.execute(_SIZE)[0][0])

    def maintain(self) -> None:
        self.commit()
        self.connection.autocommit = True
        self.execute("VACUUM ANALYZE")
        self.connection.autocommit = False


class Sqlite(Database):
    name = "sqlite"

    def __init__(self, file: Path) -> None:
        self.connection = sqlite3.connect(file)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self._log = Path(f"{file}-wal")

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self.connection.execute(statement, parameters).fetchall()

    def insert(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        values = [tuple(row) for row in rows]
        if values:
            places = ", ".join("?" * len(values[0]))
            self.connection.executemany(f"INSERT INTO {table} VALUES ({places})", values)

    def commit(self) -> None:
        self.connection.commit()

    def cpu_s(self) -> float:
        return time.thread_time()

    def wal_octets(self) -> int:
        return 0

    def octets(self) -> int:
        pages, size = (self.execute(f"PRAGMA {name}")[0][0] for name in ("page_count", "page_size"))
        return int(pages * size)

    def maintain(self) -> None:
        pass


def _field(value: Any) -> str:
    if value is None:
        return r"\N"
    return rf"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
