"""Questions about the database itself: can it be written, and what time does it have."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.repositories.metrics.counting import Count, add_counts
from gonemaster_db.session import Store

_NAME = "probe"


class _Enough(Exception):
    """Rolls a transaction back."""


def try_to_write(store: Store) -> None:
    """Write a row and roll it back. Raises StoreError if that is not possible."""

    def write(session: Session) -> None:
        add_counts(session, {Count(_NAME): 1})
        raise _Enough

    try:
        store.run_in_transaction(write)
    except _Enough:
        return


def database_time(store: Store) -> datetime | None:
    """Return the clock of the host of the database; None for SQLite, which has none of its own."""
    if store.engine.dialect.name == "sqlite":
        return None
    with store.read_only() as session:
        found: datetime = session.scalars(select(func.clock_timestamp())).one()
    return found
