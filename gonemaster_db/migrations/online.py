"""Creates and drops indexes of tables while the service is running.

PostgreSQL does it outside transactions (CONCURRENTLY), so a revision with such an index contains nothing else. SQLite
has one writer, which waits for the build.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

from gonemaster_db.core.connection.engine import commit_each_statement

_CLIENT_GONE_MS = 2_000


def create_index(
    name: str, table: str, columns: Sequence[str | sa.TextClause], *, where: str | None = None, unique: bool = False
) -> None:
    """Create an index; `where` is the SQL condition of a partial index."""
    drop_index(name, table)  # An interrupted build leaves an invalid index.
    condition = sa.text(where) if where else None
    with _outside_transactions(op.get_bind()) as concurrently:
        op.create_index(
            name, table, columns, unique=unique, postgresql_where=condition, sqlite_where=condition,
            postgresql_concurrently=concurrently,
        )  # fmt: skip


def drop_index(name: str, table: str) -> None:
    """Drop an index if it exists."""
    with _outside_transactions(op.get_bind()) as concurrently:
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=concurrently)


@contextmanager
def _outside_transactions(connection: Connection) -> Iterator[bool]:
    """Commit each statement on PostgreSQL, and yield whether it does; SQLite keeps its transaction.

    A statement waits for old transactions without making others wait, so it needs no lock timeout. The connection holds
    the migration's lock. The server checks whether this process is still running: otherwise the next process could get
    the lock while the index is being built.
    """
    if connection.dialect.name != "postgresql":
        yield False
        return
    connection.commit()
    timeout = connection.exec_driver_sql("SHOW lock_timeout").scalar_one()
    connection.exec_driver_sql("SET lock_timeout = 0")
    if connection.dialect.server_version_info >= (14,):  # type: ignore[operator]  # known once connected
        connection.exec_driver_sql(f"SET client_connection_check_interval = {_CLIENT_GONE_MS}")
    connection.commit()
    with commit_each_statement(connection):
        yield True
    connection.exec_driver_sql(f"SET lock_timeout = '{timeout}'")
    connection.commit()
