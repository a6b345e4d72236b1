"""Builds the tables of a view in DuckDB from the files with the facts of a snapshot, in bounded memory.

Tables in between are in a database file in the spill folder, of which memory holds a part.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any

from gonemaster_db.analysis.categories import BY_NAME, CAUSE
from gonemaster_db.analysis.column_views.engine import (
    DuckDbLimits,
    FilesUnreadable,
    files_literal,
    literal,
    open_database,
    spill_folder,
)
from gonemaster_db.analysis.column_views.members import MEMBERS, members_query
from gonemaster_db.analysis.column_views.staging import KIND_SUMS, LATENCIES, ORDERED, STAGED
from gonemaster_db.analysis.column_views.statements import Statements
from gonemaster_db.analysis.column_views.tables import TABLES
from gonemaster_db.analysis.columns.schema import VERSION, VERSION_KEY
from gonemaster_db.core.levels import LEVELS

_BATCH = 50_000  # texts that exist as Python objects at a time
_FIRST = ("sorted_runs", "runs")
_COUNTED = {"domain": "runs", "nameserver": "nameservers", "endpoint": "endpoints", "asn": "asns", "prefix": "prefixes"}


@dataclass(frozen=True, slots=True)
class FinishedTable:
    """A table of a view that was written to a file of the spill folder."""

    kind: str
    path: str
    rows: int


class ViewBuild:
    """The building of one view. Methods are called in the order in which they stand here."""

    def __init__(self, statements: Statements, connection: Any, folder: str) -> None:
        self._statements, self._connection, self._folder = statements, connection, folder

    def read_facts(self, paths: Sequence[str]) -> None:
        """Give each domain of the files its position; of several runs of a domain the last one counts."""
        listed = files_literal(list(paths))
        of_version = f"key = {literal(VERSION_KEY)} AND value = {literal(str(VERSION))}"
        known = self._statements.rows(f"SELECT count(*) FROM parquet_kv_metadata({listed}) WHERE {of_version}")
        if known != [(len(paths),)]:
            raise FilesUnreadable("not all files with facts are of this version")
        rows = f"SELECT *, file_index << 32 | file_row_number AS row FROM read_parquet({listed})"
        self._statements.run(f"CREATE VIEW facts AS {rows}")
        for name in _FIRST:
            self._statements.make(name, STAGED[name])
        self._statements.run("DROP TABLE sorted_runs")

    def provenance(self) -> list[tuple[Any, ...]]:
        """Return engine, effective profile, profile and its name, number of domains, first and last time of groups."""
        columns = "engine_version, effective_profile_id, profile_id, profile"
        times = "min(finished_at) AT TIME ZONE 'UTC', max(finished_at) AT TIME ZONE 'UTC'"
        rows = self._statements.rows(
            f"SELECT {columns}, count(*), {times} FROM facts JOIN runs USING (row) GROUP BY ALL"
        )
        return [(*row[:5], *(time.replace(tzinfo=UTC) for time in row[5:])) for row in rows]

    def fact_rows(self) -> int:
        """Return the number of runs in the files."""
        return int(self._statements.rows("SELECT count(*) FROM facts")[0][0])

    def number_objects(self, labels: Sequence[tuple[int, str]]) -> None:
        """Give all objects their positions and relate them to domains; `labels` are those of ASes."""
        self._statements.run("CREATE TABLE labels (asn BIGINT, label VARCHAR)")
        self._insert("labels", [[asn for asn, _ in labels], [label for _, label in labels]])
        for name, query in STAGED.items():
            if name in _FIRST:
                continue
            if name in ORDERED:
                self._order(name, query)
            else:
                self._statements.make(name, query)
        self._statements.make("kind_sums", KIND_SUMS)
        for name, query in LATENCIES.items():
            self._statements.make(name, query)

    def write_tables(self) -> Iterator[FinishedTable]:
        """Write all tables to files and yield each; the caller may move the files after the last one."""
        for (owner, member), pairs in MEMBERS.items():
            finished = self._write(f"members_{owner}_{member}", members_query(pairs))
            self._view(f"{owner}_{member}", finished.path)
            yield finished
        for kind, query in TABLES.items():
            finished = self._write(kind, query)
            self._view(kind, finished.path)
            yield finished

    def counts(self) -> dict[str, int]:
        """Return the numbers of objects."""
        counted = ", ".join(f'(SELECT count(*) FROM "{table}")' for table in _COUNTED.values())
        return dict(zip(_COUNTED, self._statements.rows(f"SELECT {counted}")[0], strict=True))

    def asns(self) -> list[int]:
        """Return the numbers of all ASes."""
        return [asn for (asn,) in self._statements.rows("SELECT asn FROM asns")]

    def top(self, table: str, names: Sequence[str], limit: int) -> str:
        """Return the rows with the most domains as a JSON array of objects."""
        rows = self._statements.rows(
            f"SELECT {', '.join(names)} FROM {table} ORDER BY domain_count DESC, position LIMIT {limit}"
        )
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for item in found:
            if "level" in item:
                item["level"] = LEVELS[item["level"]]
        return json.dumps(found)

    def distributions(self) -> dict[str, dict[str, int]]:
        """Return the numbers of domains by category and key."""
        found: dict[str, dict[str, int]] = {name: {} for name in BY_NAME}
        shown = ", ".join(literal(name) for name in BY_NAME)
        of_runs = "FROM facts JOIN runs USING (row)"
        rows = self._statements.rows(f"""
            SELECT c.category, c.key, count(*) FROM (SELECT unnest(categories) AS c {of_runs})
            WHERE c.category IN ({shown}) GROUP BY ALL
            UNION ALL SELECT {literal(CAUSE)}, cause, count(*) FROM (SELECT unnest(causes) AS cause {of_runs})
            GROUP BY ALL""")
        for category, key, number in rows:
            found[category][key] = number
        return found

    def _write(self, kind: str, query: str) -> FinishedTable:
        path = f"{self._folder}/{kind}.parquet"
        self._statements.write(query, path)
        return FinishedTable(kind, path, int(self._statements.rows(f"SELECT count(*) FROM {literal(path)}")[0][0]))

    def _view(self, name: str, path: str) -> None:
        self._statements.run(f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM {literal(path)}')

    def _order(self, name: str, query: str) -> None:
        self._statements.run(f"CREATE TABLE {name} (text VARCHAR, ordered BLOB)")
        reading = self._connection.cursor()
        try:
            for batch in reading.sql(query).to_arrow_reader(_BATCH):
                texts = batch.column(0).to_pylist()
                self._insert(name, [texts, [order_of(text) for text in texts]])
        finally:
            reading.close()

    def _insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        import pyarrow as pa

        types = self._statements.rows(f"SELECT data_type FROM duckdb_columns() WHERE table_name = {literal(table)}")
        known = {"VARCHAR": pa.string(), "BLOB": pa.binary(), "BIGINT": pa.int64()}
        arrays = [pa.array(column, known[kind]) for column, (kind,) in zip(columns, types, strict=True)]
        self._connection.register("part", pa.table(arrays, names=[f"c{at}" for at in range(len(arrays))]))
        self._statements.run(f"INSERT INTO {table} SELECT * FROM part")
        self._connection.unregister("part")


def order_of(text: str) -> bytes:
    """Return the bytes by which an address or a prefix is sorted: family, octets and, of a prefix, the length."""
    address, _, length = text.partition("/")
    family, version = (AF_INET6, 6) if ":" in address else (AF_INET, 4)
    ordered = bytes([version]) + inet_pton(family, address.partition("%")[0])
    return ordered + bytes([int(length)]) if length else ordered


@contextmanager
def view_build(limits: DuckDbLimits, between: Callable[[], object]) -> Iterator[ViewBuild]:
    """Open a database for building one view; `between` is called during statements.

    Raises: DuckDbFailed.
    """
    with spill_folder(limits) as folder:
        connection = open_database(str(folder / "stage.duckdb"), limits, folder / "spilled")
        statements = Statements(connection, between)
        try:
            yield ViewBuild(statements, connection, str(folder))
        finally:
            statements.close()
            connection.close()
