"""After a migration that has rewritten tables: space is given back, and the planner gets statistics."""

import logging
from collections.abc import Collection

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gonemaster_db.core.engine import autocommit_engine

log = logging.getLogger(__name__)


def tidy(connection: Connection, tables: Collection[str]) -> None:
    """Vacuum: the given tables on PostgreSQL, the file on SQLite. The migration is over and does not depend on it."""
    if not tables:
        return
    log.info("the database is vacuumed")
    try:
        if connection.dialect.name == "sqlite":
            _shrink_file(connection)
        else:
            _vacuum_tables(connection, tables)
    except DBAPIError as error:
        log.warning("the database was not vacuumed: run VACUUM", extra={"error": str(error.orig)})


def _shrink_file(connection: Connection) -> None:
    """Copy the rows that are left to a new file, in the directory for temporary files, and back."""
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101  # an open connection has one
    raw.execute("VACUUM")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _vacuum_tables(connection: Connection, tables: Collection[str]) -> None:
    """Mark pages as visible to all, which scans of indexes alone need, and collect statistics."""
    with autocommit_engine(connection.engine).connect() as other:
        for table in tables:
            other.exec_driver_sql(f"VACUUM (ANALYZE) {table}")
