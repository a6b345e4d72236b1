"""Indexes that are built and dropped while the service works.

PostgreSQL does it outside of transactions (CONCURRENTLY), so a revision with an index on a table that is in use holds
nothing else: what came before in it is committed. A build that was interrupted leaves an invalid index, which is
dropped and built again. SQLite has one writer, which waits for the build.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

from gonemaster_db.core.engine import commit_each_statement

_VALID = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
_CLIENT_GONE_MS = 2_000


def create_index(
    name: str, table: str, columns: Sequence[str | sa.TextClause], *, where: str | None = None, unique: bool = False
) -> None:
    """Create an index, unless it is there and valid. `where` is the condition of a partial index, in SQL."""
    connection = op.get_bind()
    condition = sa.text(where) if where else None
    if connection.dialect.name != "postgresql":
        op.create_index(name, table, columns, unique=unique, sqlite_where=condition, if_not_exists=True)
        return
    with _beside_others(connection):
        valid = connection.execute(_VALID, {"name": name}).scalar()
        if valid:
            return
        if valid is not None:
            _drop(connection, name)
        op.create_index(name, table, columns, unique=unique, postgresql_where=condition, postgresql_concurrently=True)


def drop_index(name: str, table: str) -> None:
    """Drop an index, if it is there."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        op.drop_index(name, table, if_exists=True)
        return
    with _beside_others(connection):
        _drop(connection, name)


def _drop(connection: Connection, name: str) -> None:
    quoted = connection.dialect.identifier_preparer.quote(name)
    connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")


@contextmanager
def _beside_others(connection: Connection) -> Iterator[None]:
    """Commit, and let each statement commit on its own; it waits for old transactions, for which nobody waits.

    The connection is that of the migration's lock: where the process dies, the server holds the lock until it has
    noticed and ended the statement, so the next process does not meet an index that is still being built.
    """
    connection.commit()
    timeout = connection.exec_driver_sql("SHOW lock_timeout").scalar_one()
    connection.exec_driver_sql("SET lock_timeout = 0")
    if connection.dialect.server_version_info >= (14,):  # type: ignore[operator]  # known once connected
        connection.exec_driver_sql(f"SET client_connection_check_interval = {_CLIENT_GONE_MS}")
    connection.commit()
    with commit_each_statement(connection):
        yield
    connection.exec_driver_sql(f"SET lock_timeout = '{timeout}'")
    connection.commit()
