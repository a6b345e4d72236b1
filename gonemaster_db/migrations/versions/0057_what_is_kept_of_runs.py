"""What batches, cohorts and schedules keep of runs once their facts are written."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0063"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kept = "of its runs once their facts are written"
    op.add_column("batches", sa.Column("keep", sa.String(16), nullable=False, server_default="full", comment=kept))
    reduced = "runs of which less than `full` was kept, later purged ones too"
    op.add_column(
        "batches", sa.Column("reduced_runs", sa.Integer(), nullable=False, server_default="0", comment=reduced)
    )
    revision_of = "sum of facts_revision when all runs were reduced"
    op.add_column(
        "batches",
        sa.Column("reduced_revision", sa.BigInteger(), nullable=False, server_default="-1", comment=revision_of),
    )
    position = "runs up to this key were reduced while the batch was running"
    op.add_column(
        "cohort_snapshots",
        sa.Column("reduced_key", sa.BigInteger(), nullable=False, server_default="0", comment=position),
    )
    of_cohort = "of the runs of new batches that choose nothing; null: that of the server"
    op.add_column("cohorts", sa.Column("keep", sa.String(16), nullable=True, comment=of_cohort))
    of_schedule = "of the runs of its batches; null: that of the cohort, or of the server"
    op.add_column("schedules", sa.Column("keep", sa.String(16), nullable=True, comment=of_schedule))


def downgrade() -> None:
    op.drop_column("schedules", "keep")
    op.drop_column("cohorts", "keep")
    op.drop_column("cohort_snapshots", "reduced_key")
    for column in ("reduced_revision", "reduced_runs", "keep"):
        op.drop_column("batches", column)
