"""Databases as Zonemaster-Backend 11.5 creates and fills them, with recorded results of Zonemaster-Engine 8.1.0."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

RECORDED = Path(__file__).parent / "zonemaster_results.json.gz"
LEVELS = {"DEBUG3": -2, "DEBUG2": -1, "DEBUG": 0, "INFO": 1, "NOTICE": 2, "WARNING": 3, "ERROR": 4, "CRITICAL": 5}
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "test_results": {
        "id": "SERIAL", "hash_id": "VARCHAR(16) NOT NULL", "domain": "VARCHAR(255) NOT NULL", "batch_id": "INTEGER",
        "created_at": "TIME NOT NULL", "started_at": "TIME", "ended_at": "TIME", "priority": "INTEGER DEFAULT 10",
        "queue": "INTEGER DEFAULT 0", "progress": "INTEGER DEFAULT 0", "fingerprint": "VARCHAR(32)",
        "params": "JSON NOT NULL", "results": "JSON", "undelegated": "INTEGER NOT NULL DEFAULT 0",
    },
    "result_entries": {
        "hash_id": "VARCHAR(16) NOT NULL", "level": "INTEGER NOT NULL", "module": "VARCHAR(255) NOT NULL",
        "testcase": "VARCHAR(255) NOT NULL", "tag": "VARCHAR(255) NOT NULL", "timestamp": "REAL NOT NULL",
        "args": "JSONB NOT NULL",
    },
    "batch_jobs": {"id": "SERIAL", "username": "VARCHAR(50) NOT NULL", "created_at": "TIME NOT NULL"},
    "log_level": {"value": "INTEGER", "level": "VARCHAR(15)"},
    "users": {"id": "SERIAL", "username": "VARCHAR(128)", "api_key": "VARCHAR(512)"},
}  # fmt: skip
_TYPES = {
    "sqlite": {"SERIAL": "INTEGER PRIMARY KEY AUTOINCREMENT", "TIME": "DATETIME", "JSONB": "BLOB", "JSON": "TEXT"},
    "postgres": {"SERIAL": "BIGSERIAL PRIMARY KEY", "TIME": "TIMESTAMP", "JSONB": "JSONB", "JSON": "JSON"},
}


def recorded() -> dict[str, list[dict[str, Any]]]:
    """Return the entries of each recorded test by domain: level, module, testcase, tag, timestamp, args."""
    found: dict[str, list[dict[str, Any]]] = json.loads(gzip.decompress(RECORDED.read_bytes()))
    return found


@dataclass
class Backend:
    """The content of a database."""

    tests: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    batches: list[dict[str, Any]] = field(default_factory=list)

    def add_batch(self, username: str, created_at: str) -> int:
        number = len(self.batches) + 1
        self.batches.append({"id": number, "username": username, "created_at": created_at})
        return number

    def add(self, domain: str, entries: Sequence[Mapping[str, Any]] = (), **fields: Any) -> str:
        """Add a finished test, and return its ID."""
        number = len(self.tests) + 1
        hash_id = hashlib.md5(f"{number} {domain}".encode(), usedforsecurity=False).hexdigest()[:16]
        params = fields.pop("params", {"domain": domain, "ipv4": True, "ipv6": True, "profile": "default"})
        test = {
            "id": number, "hash_id": hash_id, "domain": domain, "batch_id": None,
            "created_at": "2025-11-01 10:00:00", "started_at": "2025-11-01 10:00:05",
            "ended_at": "2025-11-01 10:00:25", "priority": 10, "queue": 0, "progress": 100,
            "fingerprint": "0" * 32, "params": json.dumps(params), "results": None, "undelegated": 0,
        }  # fmt: skip
        self.tests.append(test | fields)
        for entry in entries:
            self.entries.append(
                {**entry, "hash_id": hash_id, "level": LEVELS[entry["level"]], "args": json.dumps(entry["args"])}
            )
        return hash_id

    def tables(self) -> Iterator[tuple[str, list[str], list[tuple[Any, ...]]]]:
        """Yield name, columns and rows of each table."""
        levels = [{"value": value, "level": level} for level, value in LEVELS.items()]
        rows = {
            "batch_jobs": self.batches, "log_level": levels, "test_results": self.tests, "result_entries": self.entries,
        }  # fmt: skip
        for table, found in rows.items():
            columns = list(_COLUMNS[table])
            yield table, columns, [tuple(row[name] for name in columns) for row in found]

    def write_sqlite(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            for statement in _schema("sqlite"):
                database.execute(statement)
            for table, columns, rows in self.tables():
                marks = ", ".join("?" * len(columns))
                database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def write_postgres(self, dsn: str) -> None:
        with closing(psycopg2.connect(dsn)) as database, database, database.cursor() as cursor:
            for statement in _schema("postgres"):
                cursor.execute(statement)
            for table, columns, rows in self.tables():
                marks = ", ".join(["%s"] * len(columns))
                cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def dump(self) -> str:
        """Return a dump as mysqldump writes it: the tables in order of their names, with rows in one statement."""
        lines = ["-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)", "SET NAMES utf8mb4 ;"]
        for table, columns, rows in sorted(self.tables()):
            lines += [f"DROP TABLE IF EXISTS `{table}`;", f"CREATE TABLE `{table}` ("]
            lines += [f"  `{name}` text," for name in columns]
            lines += ["  KEY `k` (`x`)", ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;", f"LOCK TABLES `{table}` WRITE;"]
            for start in range(0, len(rows), 100):
                some = ",".join(f"({','.join(map(_quoted, row))})" for row in rows[start : start + 100])
                lines.append(f"INSERT INTO `{table}` VALUES {some};")
            lines.append("UNLOCK TABLES;")
        return "\n".join(lines) + "\n-- Dump completed\n"


def _schema(kind: str) -> Iterator[str]:
    for table, columns in _COLUMNS.items():
        types = [
            f"{name} {' '.join(_TYPES[kind].get(word, word) for word in declared.split(' '))}"
            for name, declared in columns.items()
        ]
        yield f"CREATE TABLE {table} ({', '.join(types)})"
    yield "CREATE INDEX result_entries__hash_id ON result_entries (hash_id)"
    yield "CREATE INDEX test_results__batch_id_progress ON test_results (batch_id, progress)"


def _quoted(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"').replace("\n", "\\n")
        return ("_binary " if value.startswith("{") else "") + f"'{escaped}'"
    return str(value)
