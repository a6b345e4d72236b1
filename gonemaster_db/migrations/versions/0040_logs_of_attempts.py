"""The log lines of attempts that failed."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.core.base import ID_TYPE, JSON_TYPE, UtcDateTime

revision = "0040"
down_revision = "0039"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt_logs",
        sa.Column("job_id", ID_TYPE, nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("worker", sa.String(255), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.Column("lines", JSON_TYPE, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "attempt", name=op.f("pk_attempt_logs")),
        if_not_exists=True,
    )
    op.create_index(op.f("ix_attempt_logs_ended_at"), "attempt_logs", ["ended_at"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("attempt_logs")
