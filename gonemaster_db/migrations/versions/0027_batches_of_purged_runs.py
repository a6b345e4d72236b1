"""Batches keep the numbers and times of runs that are purged."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
compatible_from = "0024"  # a release before it purges without counting, as it always did
branch_labels = None
depends_on = None


def upgrade() -> None:
    collation = "C" if op.get_context().dialect.name == "postgresql" else None
    op.create_table(
        "purged_run_counters",
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False, comment="-1: none"),
        sa.Column("grade", sa.String(4, collation=collation), nullable=False, comment="empty: none"),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("first_started_at", sa.DateTime(timezone=True), comment="null: none of them started"),
        sa.Column("last_finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("batch_key", "status", "level", "grade", name="pk_purged_run_counters"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("purged_run_counters")
