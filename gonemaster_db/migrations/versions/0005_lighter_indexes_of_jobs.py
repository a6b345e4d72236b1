"""Indexes of jobs without entries for what most jobs do not have: each claim writes one for each index."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SELDOM = ("expires_at", "profile_id")


def upgrade() -> None:
    for column in _SELDOM:
        present = sa.text(f"{column} IS NOT NULL")
        op.drop_index(f"ix_jobs_{column}", table_name="jobs")
        op.create_index(f"ix_jobs_{column}", "jobs", [column], postgresql_where=present, sqlite_where=present)


def downgrade() -> None:
    for column in _SELDOM:
        op.drop_index(f"ix_jobs_{column}", table_name="jobs")
        op.create_index(f"ix_jobs_{column}", "jobs", [column])
