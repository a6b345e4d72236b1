"""Domains say which outcome their newest run has, and of which run they say it; maintenance tells them, in steps.

A release before this one writes neither column: where they are not about the newest run, the outcome is unknown.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
compatible_from = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    code = sa.String(40).with_variant(sa.String(40, collation="C"), "postgresql")
    op.add_column("domains", sa.Column("latest_outcome_id", sa.Integer(), comment="of the newest run"))
    op.add_column("domains", sa.Column("latest_outcome_run_id", code, comment="which latest_outcome_id is of"))


def downgrade() -> None:
    op.drop_column("domains", "latest_outcome_run_id")
    op.drop_column("domains", "latest_outcome_id")
