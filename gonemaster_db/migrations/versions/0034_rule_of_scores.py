"""The version of the rule that scores of runs and snapshots follow."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0032"
compatible_from = "0029"
branch_labels = None
depends_on = None

_NULLS = {"runs": "null: no score, or the first rule", "cohort_snapshots": "null: the first rule, or not captured"}


def upgrade() -> None:
    for table, comment in _NULLS.items():
        op.add_column(table, sa.Column("score_rule", sa.SmallInteger(), nullable=True, comment=comment))


def downgrade() -> None:
    for table in _NULLS:
        op.drop_column(table, "score_rule")
