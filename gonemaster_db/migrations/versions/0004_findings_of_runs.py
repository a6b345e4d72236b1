"""A number for the findings of a run, and an index along which two batches are compared."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INDEX = "ix_runs_in_batch_by_domain"


def upgrade() -> None:
    """Leave the number of runs that are there empty: comparisons read their entries."""
    comment = "equal for runs that found the same from NOTICE up; of those that succeeded"
    op.add_column("runs", sa.Column("findings_hash", sa.BigInteger(), nullable=True, comment=comment))
    in_batch = sa.text("batch_id IS NOT NULL")
    op.create_index(
        _INDEX,
        "runs",
        ["batch_id", "domain", "findings_hash", "status"],
        postgresql_where=in_batch,
        sqlite_where=in_batch,
    )


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="runs")
    op.drop_column("runs", "findings_hash")
