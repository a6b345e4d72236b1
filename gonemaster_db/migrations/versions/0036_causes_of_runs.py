"""Sets of root causes, and the set of each run."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    listed = "identifiers, sorted, with a bar before and after each; empty without causes"
    op.create_table(
        "cause_sets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("causes", sa.Text(), nullable=False, comment=listed),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cause_sets")),
        sa.UniqueConstraint("causes", name=op.f("uq_cause_sets_causes")),
        sqlite_autoincrement=True,
    )
    unknown = "null: not computed, or no result"
    op.add_column("runs", sa.Column("cause_set_id", sa.Integer(), nullable=True, comment=unknown))


def downgrade() -> None:
    op.drop_column("runs", "cause_set_id")
    op.drop_table("cause_sets")
