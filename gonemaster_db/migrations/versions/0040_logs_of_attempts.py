"""The log lines of attempts that failed, and the index for lists of runs by attempts."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.core.base import ID_TYPE, JSON_TYPE, UtcDateTime
from gonemaster_db.migrations import online

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
    # PostgreSQL commits the table before it builds the index, and an interrupted revision is repeated.
    online.create_index("ix_runs_repeated", "runs", ["attempt", sa.text("finished_at DESC")], where="attempt > 1")


def downgrade() -> None:
    online.drop_index("ix_runs_repeated", "runs")
    op.drop_table("attempt_logs")
