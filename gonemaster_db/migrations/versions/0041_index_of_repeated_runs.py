"""The index for lists of runs by attempts."""

import sqlalchemy as sa

from gonemaster_db.migrations import online

revision = "0041"
down_revision = "0040"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    online.create_index("ix_runs_repeated", "runs", ["attempt", sa.text("finished_at DESC")], where="attempt > 1")


def downgrade() -> None:
    online.drop_index("ix_runs_repeated", "runs")
