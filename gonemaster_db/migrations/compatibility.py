"""Checks whether this release works on the schema of a database, which may come from a later release.

A release does not know later revisions. The database therefore records the releases that its schema is compatible with:
each migration writes the table `schema_compatibility` in its transaction.
"""

from functools import cache

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table, delete, insert, select

from gonemaster_db.core.errors import StoreOutdated
from gonemaster_db.core.session import Store
from gonemaster_db.migrations.revisions import Revision, known_revisions
from gonemaster_db.service.models.schema_compatibility import SchemaCompatibility

_TABLE = SchemaCompatibility.__table__
# the last version with migrations 0001 to 0028, which this release no longer has
_LAST_BEFORE = "gonemaster 0.1.0 at commit 2f6dad3"


@cache
def head_revision() -> str | None:
    """Return the newest revision that this release knows."""
    return next(reversed(known_revisions()), None)


@cache
def first_revision() -> str:
    """Return the oldest revision that this release knows: the one that creates the tables."""
    return next(iter(known_revisions()))


def current_revision(store: Store) -> str | None:
    """Return the revision of the schema, or None for an empty database."""
    with store.read_only() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def is_newer(store: Store) -> bool:
    """Return whether the schema comes from a later release."""
    current = current_revision(store)
    return current is not None and current not in known_revisions()


def check_origin(store: Store) -> None:
    """Refuse a database from before the first release. Raises StoreOutdated."""
    current = current_revision(store)
    if current is not None and current < first_revision():
        raise StoreOutdated(
            f"the database has version {current}, from before the first release: the last version that can upgrade it"
            f" is {_LAST_BEFORE}; docs/howto/upgrade.md says how to keep its data"
        )


def check_schema(store: Store) -> None:
    """Check that this release works on the schema: its own, or a compatible one of a later release.

    Raises:
        StoreOutdated: the release does not work on the schema; the message contains the remedy.
        StoreUnavailable: the database does not respond.
    """
    head, current = head_revision(), current_revision(store)
    if current == head:
        return
    check_origin(store)
    if current is None or current in known_revisions():
        facts = f"its version is {current or 'none'}, this release needs {head}"
        raise StoreOutdated(f"the database is not up to date: run gonemaster-server db upgrade ({facts})")
    oldest = _compatible_from(store, current)
    if oldest is None and current_revision(store) != current:  # another migration has ended between the two reads
        check_schema(store)
    elif oldest not in known_revisions():
        facts = f"it works with releases from {oldest or current}, and this one has {head}"
        raise StoreOutdated(
            f"the database belongs to a later release, version {current}: {facts}; install a later release"
        )


def pending_revisions(store: Store) -> list[Revision]:
    """Return the revisions that an upgrade would apply, in order; empty if the schema comes from a later release."""
    current, revisions = current_revision(store), list(known_revisions().values())
    if current is None:
        return revisions
    numbers = [revision.number for revision in revisions]
    return revisions[numbers.index(current) + 1 :] if current in numbers else []


def _compatible_from(store: Store, revision: str) -> str | None:
    found = select(SchemaCompatibility.compatible_from).where(SchemaCompatibility.revision == revision)
    with store.read_only() as session:
        return session.scalar(found)


def record_compatibility(connection: Connection, current: str | None) -> None:
    """Record which releases the schema is compatible with, in the transaction of the migration."""
    if current is None:  # all tables were dropped
        return
    assert isinstance(_TABLE, Table)  # noqa: S101  # SQLAlchemy's own type is wider
    connection.execute(delete(_TABLE))
    values = {"revision": current, "compatible_from": known_revisions()[current].compatible_from}
    connection.execute(insert(_TABLE).values(values))
