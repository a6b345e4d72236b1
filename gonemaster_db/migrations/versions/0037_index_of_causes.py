"""The index for lists of runs by root cause."""

from gonemaster_db.migrations import online

revision = "0037"
down_revision = "0036"
compatible_from = "0029"
branch_labels = None
depends_on = None

_INDEX, _TABLE = "ix_runs_cause_set_id_finished_at", "runs"


def upgrade() -> None:
    online.create_index(_INDEX, _TABLE, ["cause_set_id", "finished_at"])


def downgrade() -> None:
    online.drop_index(_INDEX, _TABLE)
