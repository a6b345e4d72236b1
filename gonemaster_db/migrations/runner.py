"""Migrates the schema to a revision, even if several processes start at the same time or the service is running."""

import logging
import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection

from gonemaster_db.core.connection.failures import translated
from gonemaster_db.core.errors import StoreConflict, StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.migrations.compatibility import (
    check_origin,
    check_schema,
    current_revision,
    head_revision,
    is_newer,
    pending_revisions,
    record_compatibility,
)
from gonemaster_db.migrations.drift import differences
from gonemaster_db.migrations.lock import alone
from gonemaster_db.migrations.revisions import configuration

__all__ = [
    "check_origin",
    "check_schema",
    "current_revision",
    "differences",
    "downgrade",
    "finish_step",
    "head_revision",
    "is_current",
    "is_newer",
    "pending_revisions",
    "upgrade",
]

log = logging.getLogger(__name__)

# While a migration waits for a table, later requests for the table wait behind it, so it gives up soon and retries.
LOCK_TIMEOUT_MS = 2_000
LOCK_ATTEMPTS = 100
PAUSE_S = (1.0, 3.0)


def upgrade(store: Store, *, revision: str = "head") -> None:
    """Apply the pending migrations; a concurrent process waits and then has nothing to do.

    Each migration is a transaction on PostgreSQL; on SQLite all migrations together are one transaction. Building an
    index concurrently commits all previous changes. A compatible schema of a later release is left unchanged.

    Raises: StoreOutdated: The schema is from before the first release, or from an incompatible later release.
    StoreConflict: Tables stayed locked for minutes. The migrations applied so far remain.
    """
    if is_newer(store):
        check_schema(store)
        return
    _with_retries(lambda: _migrate(store, command.upgrade, revision))


def downgrade(store: Store, *, revision: str) -> None:
    """Revert migrations down to `revision` (`base`: all of them), otherwise like `upgrade`.

    Raises: StoreOutdated: The schema is from before the first release. StoreError: There is no such revision below the
    current one.
    """
    check_origin(store)
    try:
        _with_retries(lambda: _migrate(store, command.downgrade, revision))
    except CommandError as error:
        raise StoreError(str(error)) from error


def is_current(store: Store) -> bool:
    """Return whether the schema is exactly that of this release. Raises StoreUnavailable."""
    return current_revision(store) == head_revision()


def finish_step(ctx: MigrationContext, step: object, heads: Collection[str], run_args: object) -> None:
    """Record the compatible releases and release the locks of a step; Alembic calls this function."""
    connection = ctx.connection
    assert connection is not None  # noqa: S101  # there is none only where Alembic writes a script
    record_compatibility(connection, next(iter(heads), None))
    if connection.dialect.name == "postgresql":  # SQLite has one lock, and checks foreign keys at the end.
        connection.commit()


def _with_retries(work: Callable[[], None]) -> None:
    """Retry while tables are locked; the service can use them in the pauses."""
    for _ in range(1, LOCK_ATTEMPTS):
        try:
            return work()
        except StoreConflict as error:
            pause_s = random.uniform(*PAUSE_S)
            facts = {"reason": str(error).partition("\n")[0], "pause_s": round(pause_s, 1)}
            log.info("the migration is waiting for locked tables", extra=facts)
            time.sleep(pause_s)
    return work()


def _migrate(store: Store, direction: Callable[[Config, str], None], revision: str) -> None:
    """Migrate in a transaction that is committed at the end; a migration may commit earlier and begin another one."""
    with translated(), store.engine.connect() as connection, alone(connection), _for_migrations(connection):
        connection.begin()  # before Alembic, which then leaves the transaction to this function
        direction(configuration(connection), revision)
        _check_foreign_keys(connection)
        connection.commit()


@contextmanager
def _for_migrations(connection: Connection) -> Iterator[None]:
    if connection.dialect.name == "sqlite":
        with _without_foreign_keys(connection):
            yield
        return
    connection.exec_driver_sql(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    connection.commit()
    yield  # After an error the connection is closed.
    connection.exec_driver_sql("RESET lock_timeout")
    connection.commit()


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Disable SQLite's foreign key checks, since it alters a table by copying it and dropping the original."""
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.rollback()  # the pragma does nothing within a transaction
        raw.execute("PRAGMA foreign_keys = ON")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        raise StoreError(f"the migration breaks foreign keys: {broken[:5]}")
