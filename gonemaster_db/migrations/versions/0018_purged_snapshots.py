"""Batches of which an operator has removed the snapshot."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "purged_snapshots",
        sa.Column("cohort_id", sa.Integer(), nullable=False),
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_key"], ["batches.key"], name="fk_purged_snapshots_batch_key", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohorts.id"], name="fk_purged_snapshots_cohort_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cohort_id", "batch_key", name="pk_purged_snapshots"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_purged_snapshots_batch_key", "purged_snapshots", ["batch_key"])


def downgrade() -> None:
    """Drop the table: earlier versions make those snapshots again."""
    op.drop_table("purged_snapshots")
