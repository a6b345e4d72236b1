"""Brings the tables to a revision, safely when several processes start at once."""

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
_LOCK = 7_305_808_869_232_243_317  # any number that no other program on this database takes


def upgrade(store: Store, *, revision: str = "head") -> None:
    """Apply the missing migrations in one transaction; a second process waits and finds nothing to do."""
    with _migrating(store) as config:
        command.upgrade(config, revision)


def downgrade(store: Store, *, revision: str) -> None:
    """Take back migrations down to `revision`, `base` for all of them, in one transaction."""
    with _migrating(store) as config:
        command.downgrade(config, revision)


def current_revision(store: Store) -> str | None:
    """Read the revision of the tables; None where there are none."""
    return _inspect(store, lambda context: context.get_current_revision())


def is_current(store: Store) -> bool:
    """Say whether the tables are those of this version. Raises StoreUnavailable."""
    return current_revision(store) == head_revision()


@cache
def head_revision() -> str | None:
    """Read the newest revision that this version knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def differences(store: Store) -> list[Any]:
    """List where the tables differ from the models, in Alembic's words."""
    return _inspect(store, lambda context: list(compare_metadata(context, Base.metadata)))


def _inspect(store: Store, look: Callable[[MigrationContext], T]) -> T:
    with store.reading() as session:
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
    """Begin immediately, with keys unchecked until the end: to alter a table SQLite copies and drops it."""
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
