"""The size of the database and of its largest tables, and how fast it grows."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gonemaster_db.core.session import Store
from gonemaster_db.runs.counters import count_runs
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

    free: int | None = None  # bytes on the disk of an SQLite file; PostgreSQL may run on another machine

    @property
    def growth_per_day(self) -> int:
        """The bytes that the runs of the last day take if they are of average size."""
        return self.growth_of(self.total)

    @property
    def days_until_full(self) -> int | None:
        """The whole days until the disk is full if nothing is deleted; None if that is unknown."""
        return self.free // self.growth_per_day if self.free is not None and self.growth_per_day else None

    def growth_of(self, size: int) -> int:
        """Return the share of the growth per day of a table of this size."""
        return size * self.runs_of_last_day // self.runs if self.runs else 0


def read_sizes(store: Store, *, now: datetime, max_scanned: int | None = None) -> DatabaseSize:
    """Read the sizes. Raises StoreError.

    SQLite reads the whole file to measure its tables: a file larger than `max_scanned` bytes has none.
    """
    with store.read_only() as session:
        is_sqlite = store.engine.dialect.name == "sqlite"
        total = total_bytes(session)
        if not is_sqlite:
            tables = _tables(session, _TABLES)
        elif max_scanned is None or total <= max_scanned:
            tables = _tables_of_sqlite(session)
        else:
            tables = ()
        runs = count_runs(session)
        recent = session.scalars(
            select(func.count()).select_from(Run).where(Run.finished_at > now - timedelta(days=1))
        ).one()
    file = store.engine.url.database if is_sqlite else None
    free = shutil.disk_usage(Path(file).parent).free if file else None
    return DatabaseSize(total, tables, runs, recent, free)


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
