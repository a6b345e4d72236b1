"""Domains are listed by number of runs from a table of its own, so that a purge moves narrow rows."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.migrations.online import create_index

revision = "0023"
down_revision = "0022"
compatible_from = "0023"  # a release before it would not keep the numbers up to date
branch_labels = None
depends_on = None

_TABLE = "domain_run_counts"
_COLUMNS = ["run_count", "name", "latest_level"]
_OLD = "ix_domains_by_run_count"


def upgrade() -> None:
    on_postgres = op.get_context().dialect.name == "postgresql"
    key, collation = (sa.BigInteger(), "C") if on_postgres else (sa.Integer(), None)
    op.create_table(
        _TABLE,
        sa.Column("domain_id", key, nullable=False, autoincrement=False),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(253, collation=collation), nullable=False),
        sa.Column("latest_level", sa.String(8, collation=collation)),
        sa.PrimaryKeyConstraint("domain_id", name=f"pk_{_TABLE}"),
    )
    op.drop_index(_OLD, table_name="domains")  # from here on nobody else writes domains
    names = ", ".join(_COLUMNS)
    op.execute(f"INSERT INTO {_TABLE} (domain_id, {names}) SELECT id, {names} FROM domains ORDER BY id")  # noqa: S608  # names from above
    op.create_index("ix_domain_run_counts_by_count", _TABLE, [*_COLUMNS, "domain_id"])


def downgrade() -> None:
    create_index(_OLD, "domains", [*_COLUMNS, "id"])
    op.drop_table(_TABLE)
