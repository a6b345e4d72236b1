"""The size of the database and of its largest tables, and how fast it grows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gonemaster_db.core.session import Store
from gonemaster_db.runs.models.runs import Run

_TABLES = """
    SELECT relname, pg_total_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
"""
_SQLITE_TABLES = """
    SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON s.name = m.name GROUP BY m.tbl_name
"""


@dataclass(frozen=True)
class DatabaseSize:
    """Sizes in bytes; `tables` has each table with its indexes, largest first, and is empty if that is unknown."""

    total: int
    tables: tuple[tuple[str, int], ...]
    runs: int
    runs_of_last_day: int

    @property
    def growth_per_day(self) -> int:
        """The bytes that the runs of the last day take if they are of average size."""
        return self.total * self.runs_of_last_day // self.runs if self.runs else 0


def read_sizes(store: Store, *, now: datetime) -> DatabaseSize:
    """Read the sizes. Raises StoreError."""
    with store.read_only() as session:
        is_sqlite = store.engine.dialect.name == "sqlite"
        total = total_bytes(session)
        tables = _tables_of_sqlite(session) if is_sqlite else _tables(session, _TABLES)
        runs = session.scalars(select(func.count()).select_from(Run)).one()
        recent = session.scalars(
            select(func.count()).select_from(Run).where(Run.finished_at > now - timedelta(days=1))
        ).one()
    return DatabaseSize(total, tables, runs, recent)


def total_bytes(session: Session) -> int:
    """Return the size of the database, including the space of deleted rows."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    query = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    return int(session.scalars(text(query if is_sqlite else "SELECT pg_database_size(current_database())")).one())


def _tables_of_sqlite(session: Session) -> tuple[tuple[str, int], ...]:
    try:
        return _tables(session, _SQLITE_TABLES)
    except OperationalError:  # this SQLite was built without dbstat
        return ()


def _tables(session: Session, query: str) -> tuple[tuple[str, int], ...]:
    found = [(str(name), int(size)) for name, size in session.execute(text(query))]
    return tuple(sorted(found, key=lambda table: -table[1]))
