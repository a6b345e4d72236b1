"""The indexes for lists of runs by verdict, and for the verdicts of a batch."""

import sqlalchemy as sa

from gonemaster_db.migrations import online

revision = "0053"
down_revision = "0051"
compatible_from = "0029"
branch_labels = None
depends_on = None

_HAS_VERDICT = "verdict IS NOT NULL"
_INDEXES: dict[str, list[str | sa.TextClause]] = {
    "ix_runs_by_verdict": ["verdict", sa.text("finished_at DESC"), "id", "policy", "batch_key"],
    "ix_runs_verdicts_of_batch": ["batch_key", "verdict"],
}


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        online.create_index(name, "runs", columns, where=_HAS_VERDICT)


def downgrade() -> None:
    for name in _INDEXES:
        online.drop_index(name, "runs")
