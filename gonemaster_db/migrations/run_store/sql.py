"""Columns and words of the tables of runs in SQL, for statements that move rows."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

STATUSES = ("succeeded", "failed", "canceled", "expired")  # a code is the place of its word
LEVELS = ("DEBUG3", "DEBUG2", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
SAME_OF_RUNS = (
    "id", "public_id", "domain", "domain_id", "priority", "created_at", "started_at", "finished_at", "duration_ms",
    "attempt", "worker", "error", "sev_notice", "sev_warning", "sev_error", "sev_critical", "entry_count", "score",
    "grade", "findings_hash", "profile", "profile_id", "profile_name", "config",
)  # fmt: skip
SAME_OF_BATCHES = ("id", "tag", "created_at", "domain_count", "description", "snapshot_intent", "origin")
_AT_A_TIME = 1000
_MEMORY = "256MB"


def codes(column: str, words: Sequence[str]) -> str:
    """Return SQL that gives the code of a word."""
    cases = " ".join(f"WHEN '{word}' THEN {code}" for code, word in enumerate(words))
    return f"CASE {column} {cases} END"


def words_of(column: str, words: Sequence[str]) -> str:
    """Return SQL that gives the word of a code."""
    cases = " ".join(f"WHEN {code} THEN '{word}'" for code, word in enumerate(words))
    return f"CASE {column} {cases} END"


def prefixed(columns: Iterable[str], table: str) -> str:
    """Return a list of columns of a table."""
    return ", ".join(f"{table}.{column}" for column in columns)


def on_postgres(connection: Connection) -> bool:
    """Say whether the database is PostgreSQL."""
    return connection.dialect.name == "postgresql"


def json_text(connection: Connection, column: str) -> str:
    """Return SQL that gives JSON as text: the driver would parse it."""
    return f"CAST({column} AS text)" if on_postgres(connection) else column


def streamed(connection: Connection, query: str, **values: Any) -> Iterable[Sequence[Any]]:
    """Return the rows of a query that are read while they are used: by a cursor of the server on PostgreSQL."""
    return connection.execute(sa.text(query), values, execution_options={"yield_per": _AT_A_TIME})


def more_memory(connection: Connection) -> None:
    """Let PostgreSQL sort in memory what it makes an index of in this transaction."""
    if on_postgres(connection):
        less = f"pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('{_MEMORY}')"
        connection.execute(sa.text(f"SELECT set_config('maintenance_work_mem', '{_MEMORY}', true) WHERE {less}"))


def reset_sequences(connection: Connection, columns: Iterable[tuple[str, str]]) -> None:
    """Make PostgreSQL give the next numbers after those that rows brought with them; SQLite looks for itself."""
    if not on_postgres(connection):
        return
    for table, column in columns:
        top = f"(SELECT coalesce(max({column}), 0) + 1 FROM {table})"
        connection.execute(sa.text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {top}, false)"))
