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
from sqlalchemy import Connection, text

from gonemaster_db.errors import StoreError
from gonemaster_db.failures import translated
from gonemaster_db.models import Base
from gonemaster_db.session import Store

CONFIGURE: dict[str, Any] = {"render_as_batch": True, "compare_type": True}
T = TypeVar("T")
_LOCK = 7_305_808_869_232_243_317  # key of an advisory lock: arbitrary, but used by no other program


def upgrade(store: Store, *, revision: str = "head") -> None:
    """Apply the pending migrations in one transaction; a concurrent process waits and then finds none."""
    with _migrating(store) as config:
        command.upgrade(config, revision)


def downgrade(store: Store, *, revision: str) -> None:
    """Revert migrations down to `revision` (`base`: all of them) in one transaction."""
    with _migrating(store) as config:
        command.downgrade(config, revision)


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
    with translated(), store.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            with _without_foreign_keys(connection):
                yield _config(connection)
        else:
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                yield _config(connection)


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Begin a transaction without foreign key checks until its end: SQLite alters tables by copy and drop."""
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101  # an open connection has one
    raw.execute("PRAGMA foreign_keys = OFF")
    try:
        with connection.begin():
            yield
            if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
                raise StoreError(f"the migration breaks foreign keys: {broken[:5]}")
    finally:
        raw.execute("PRAGMA foreign_keys = ON")


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "gonemaster_db:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
