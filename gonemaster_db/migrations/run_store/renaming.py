"""Tables that a migration reads keep their rows under other names until it ends, and can take their names back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

from gonemaster_db.migrations.run_store.tables import on_postgres


def set_aside(tables: Sequence[str], prefix: str, *, indexed: Sequence[str] = ()) -> None:
    """Put a prefix before names of tables; drop their indexes, except `indexed`, which gives their space back."""
    for table in tables:
        for index in sa.inspect(op.get_bind()).get_indexes(table):
            if index["name"] not in indexed and "duplicates_constraint" not in index:
                op.drop_index(str(index["name"]), table_name=table)
    _rename({table: prefix + table for table in tables})


def put_back(tables: Sequence[str], prefix: str) -> None:
    """Take the prefix away; the indexes are missing."""
    _rename({prefix + table: table for table in tables})


def _rename(names: dict[str, str]) -> None:
    with _references_by_name():
        for before, after in names.items():
            if on_postgres():
                _rename_constraints(before, after)
            op.rename_table(before, after)


def _rename_constraints(before: str, after: str) -> None:
    """Rename the constraints with an index: the names of these are unique among all tables."""
    query = sa.text(
        "SELECT conname FROM pg_constraint WHERE conrelid = CAST(:name AS regclass) AND contype IN ('p', 'u')"
    )
    for name in op.get_bind().scalars(query, {"name": before}).all():
        renamed = name.replace(before, after) if before in name else name
        op.execute(f"ALTER TABLE {before} RENAME CONSTRAINT {name} TO {renamed}")


@contextmanager
def _references_by_name() -> Iterator[None]:
    """SQLite would make the references of other tables follow; they are to wait for the table that takes the name."""
    if on_postgres():
        yield
        return
    op.execute("PRAGMA legacy_alter_table = ON")
    try:
        yield
    finally:
        op.execute("PRAGMA legacy_alter_table = OFF")
