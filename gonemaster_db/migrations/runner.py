"""Migrates the schema to a revision; safe when several processes start at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from gonemaster_db.errors import StoreError
from gonemaster_db.failures import translated
from gonemaster_db.migrations.lock import alone
from gonemaster_db.migrations.tidying import tidy
from gonemaster_db.models import Base
from gonemaster_db.session import Store

CONFIGURE: dict[str, Any] = {"render_as_batch": True, "compare_type": True}
T = TypeVar("T")


def upgrade(store: Store, *, revision: str = "head") -> None:
    """Apply the pending migrations; a concurrent process waits and then finds none.

    One transaction, except for migrations that move many rows: they commit on their way, and what was interrupted goes
    on where it stopped.
    """
    with _migrating(store) as config:
        command.upgrade(config, revision)


def downgrade(store: Store, *, revision: str) -> None:
    """Revert migrations down to `revision` (`base`: all of them); otherwise as `upgrade`.

    Raises:
        StoreError: there is no such revision below the current one.
    """
    try:
        with _migrating(store) as config:
            command.downgrade(config, revision)
    except CommandError as error:
        raise StoreError(str(error)) from error


def current_revision(store: Store) -> str | None:
    """Return the revision of the schema; None for an empty database."""
    return _inspect(store, lambda context: context.get_current_revision())


def is_current(store: Store) -> bool:
    """Return whether the schema is that of this version. Raises StoreUnavailable."""
    return current_revision(store) == head_revision()


@cache
def head_revision() -> str | None:
    """Return the newest revision that this version knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def differences(store: Store) -> list[Any]:
    """List where the schema differs from the models, as Alembic reports it."""
    return _inspect(store, lambda context: list(compare_metadata(context, Base.metadata)))


def _inspect(store: Store, look: Callable[[MigrationContext], T]) -> T:
    with store.read_only() as session:
        return look(MigrationContext.configure(session.connection(), opts=CONFIGURE))


@contextmanager
def _migrating(store: Store) -> Iterator[Config]:
    """Begin a transaction that is committed at the end; a migration may commit earlier and begin another one."""
    with translated(), store.engine.connect() as connection, alone(connection), _for_migrations(connection):
        connection.begin()  # before Alembic, which then leaves it to us
        config = _config(connection)
        yield config
        _check_foreign_keys(connection)
        connection.commit()
        tidy(connection, config.attributes.get("rewritten", ()))


@contextmanager
def _for_migrations(connection: Connection) -> Iterator[None]:
    """Let SQLite check no foreign keys, as it alters tables by copy and drop, and not overwrite what is dropped."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101  # an open connection has one
    raw.execute("PRAGMA foreign_keys = OFF")
    # Where it is on by default, a dropped table is written to the log, page by page: half the size of the file.
    secure = raw.execute("PRAGMA secure_delete").fetchone()[0]
    raw.execute("PRAGMA secure_delete = OFF")
    try:
        yield
    finally:
        connection.rollback()  # the pragma does nothing within a transaction
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute(f"PRAGMA secure_delete = {secure}")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        raise StoreError(f"the migration breaks foreign keys: {broken[:5]}")


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "gonemaster_db:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
