"""Coverage of snapshots, and names and tags of batches."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batches", sa.Column("name", sa.Text(), nullable=False, server_default=""))
    made_for = "one a line; those that it was made for"
    op.add_column("batches", sa.Column("tags", sa.Text(), nullable=False, server_default="", comment=made_for))
    needed = "percent of the members that a snapshot needs to become the default; null: that of the server"
    op.add_column("cohorts", sa.Column("coverage", sa.Integer(), nullable=True, comment=needed))
    found = "percent of the members with a result when it was captured; null: not known"
    op.add_column("cohort_snapshots", sa.Column("coverage", sa.Integer(), nullable=True, comment=found))
    allowed = "it may become the default without being pinned"
    column: sa.Column[bool] = sa.Column(
        "default_allowed", sa.Boolean(), nullable=False, server_default=sa.true(), comment=allowed
    )
    op.add_column("cohort_snapshots", column)


def downgrade() -> None:
    op.drop_column("cohort_snapshots", "default_allowed")
    op.drop_column("cohort_snapshots", "coverage")
    op.drop_column("cohorts", "coverage")
    op.drop_column("batches", "tags")
    op.drop_column("batches", "name")
