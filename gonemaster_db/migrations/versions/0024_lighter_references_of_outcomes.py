"""The parts of outcomes refer to them without foreign keys: a look-up for each of some forty rows of a new outcome."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
compatible_from = "0024"  # a release before it removes the parts of an outcome by the cascade of these keys
branch_labels = None
depends_on = None

_KEYS = (
    ("module_outcome_kinds", "kind_id", "entry_kinds", None),
    ("module_outcome_kinds", "module_outcome_id", "module_outcomes", "CASCADE"),
    ("outcome_modules", "module_outcome_id", "module_outcomes", None),
    ("outcome_modules", "outcome_id", "outcomes", "CASCADE"),
)
_COLUMNS = {
    "module_outcome_kinds": ("kind_id", "module_outcome_id", "count"),
    "outcome_modules": ("module_outcome_id", "outcome_id"),
}
_INDEXED = {"module_outcome_kinds": "module_outcome_id", "outcome_modules": "outcome_id"}


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        for table, column, _, _ in _KEYS:
            op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")
    else:
        for table in _COLUMNS:
            make_anew(table)


def downgrade() -> None:
    for table, column, parents, _ in _KEYS:  # what the keys would refuse: what someone has deleted by hand
        op.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM {parents})")  # noqa: S608  # names from above
    if op.get_context().dialect.name == "postgresql":
        for table, column, parents, ondelete in _KEYS:
            op.create_foreign_key(f"fk_{table}_{column}", table, parents, [column], ["id"], ondelete=ondelete)
    else:
        for table in _COLUMNS:
            make_anew(table, *(key_of(*one) for one in _KEYS if one[0] == table))


def key_of(table: str, column: str, parents: str, ondelete: str | None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parents}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)


def make_anew(table: str, *constraints: sa.ForeignKeyConstraint) -> None:
    """Copy the table: SQLite cannot change constraints."""
    names = _COLUMNS[table]
    columns = (sa.Column(name, sa.Integer, nullable=False) for name in names)
    primary = sa.PrimaryKeyConstraint(*names[:2], name=f"pk_{table}")
    op.create_table(f"new_{table}", *columns, primary, *constraints, sqlite_with_rowid=False)
    op.execute(f"INSERT INTO new_{table} SELECT {', '.join(names)} FROM {table}")  # noqa: S608  # names from above
    op.drop_table(table)
    op.rename_table(f"new_{table}", table)
    op.create_index(f"ix_{table}_{_INDEXED[table]}", table, [_INDEXED[table]])
