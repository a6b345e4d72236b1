"""What both directions share: runs move in chunks that are committed, and their rows are copied inside the database."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

from gonemaster_db.core.bulk import insert_into_table
from gonemaster_db.core.errors import StoreError
from gonemaster_db.migrations.run_store.indexes import TableIndex
from gonemaster_db.migrations.run_store.progress import Progress
from gonemaster_db.migrations.run_store.sql import SAME_OF_RUNS, more_memory, prefixed


class MovingRun(Protocol):
    """What is read of a run that moves."""

    @property
    def id(self) -> str:
        """Its id, the same in both tables."""


R = TypeVar("R", bound=MovingRun)
Read = Callable[[Connection, str], Sequence[R]]
"""Returns the next runs in order of id, after the given one."""
Move = Callable[[Connection, Sequence[R], int], None]
"""Moves runs; takes the number of those that have moved before."""


def move_runs(read: Read[R], move: Move[R], indexes: Sequence[TableIndex]) -> None:
    """Move the runs that have not moved yet, and create indexes."""
    connection = op.get_bind()
    progress = Progress(connection)
    while runs := read(connection, progress.position.run_id):
        move(connection, runs, progress.position.done)
        progress.advance(runs[-1].id, moved=len(runs))
    for number, index in enumerate(indexes, 1):
        more_memory(connection)
        index.create()
        progress.finished(index.name, number, len(indexes))


def brought_along(*columns: sa.Column[Any]) -> sa.Table:
    """Return a temporary table of values that the copies of runs get, by the id of the run."""
    key = sa.Column("id", sa.Text, primary_key=True)
    return sa.Table("moved_runs", sa.MetaData(), key, *columns, prefixes=["TEMPORARY"])


def copy_runs(
    connection: Connection,
    rows: Sequence[Sequence[Any]],
    values: sa.Table,
    *,
    source: str,
    changed: Mapping[str, str],
    joins: str,
) -> None:
    """Copy runs from the table `source`, without sending to the database what it has.

    `rows` are those of `values`, which is made and dropped. `changed` gives SQL by column of `runs`, which names the
    source r and the values m; all other columns stay as they are.
    """
    values.create(connection)
    insert_into_table(connection, values, values.columns.keys(), rows)
    written = connection.execute(
        sa.text(
            f"INSERT INTO runs ({', '.join(changed)}, {', '.join(SAME_OF_RUNS)})"
            f" SELECT {', '.join(changed.values())}, {prefixed(SAME_OF_RUNS, 'r')}"
            f" FROM {values.name} m JOIN {source} r ON r.id = m.id {joins}"
        )
    )
    if written.rowcount != len(rows):
        raise StoreError(f"{written.rowcount} of {len(rows)} runs were written")
    values.drop(connection)
