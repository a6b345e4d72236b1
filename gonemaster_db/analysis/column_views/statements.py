"""Runs statements of DuckDB in a thread, so that the caller can renew its lease and stop them."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from gonemaster_db.analysis.column_views.engine import literal, translated

_INTERVAL_S = 0.5
_FORMAT = "FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE 20480"
VERSION = 1
VERSION_KEY = "gonemaster.view"


class Statements:
    """The statements of one capture or comparison, one at a time.

    `between` is called every half second; an exception from it ends the running statement.
    """

    def __init__(self, connection: Any, between: Callable[[], object]) -> None:
        self._connection, self._between = connection, between
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="duckdb")

    def run(self, statement: str) -> Any:
        """Execute a statement; return the connection, from which its rows are read.

        Raises: DuckDbFailed, FilesUnreadable, StoreFull, or what `between` raises.
        """
        future: Future[Any] = self._thread.submit(self._connection.execute, statement)
        try:
            while not wait([future], timeout=_INTERVAL_S).done:
                self._between()
        except BaseException:
            self._connection.interrupt()
            wait([future])
            raise
        with translated():
            return future.result()

    def make(self, table: str, query: str) -> None:
        """Make a table from a query."""
        self.run(f'CREATE OR REPLACE TABLE "{table}" AS {query}')

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a short result."""
        found: list[tuple[Any, ...]] = self.run(query).fetchall()
        return found

    def write(self, query: str, path: str) -> None:
        """Write the rows of a query to a Parquet file, in order."""
        metadata = f"KV_METADATA {{{literal(VERSION_KEY)}: {literal(str(VERSION))}}}"
        self.run(f"COPY ({query}) TO {literal(path)} ({_FORMAT}, {metadata})")

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()
