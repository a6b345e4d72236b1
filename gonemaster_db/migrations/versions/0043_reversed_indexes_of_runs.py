"""The indexes for lists of runs by time and by batch in reversed order, so that each batch grows at its end.

PostgreSQL fills pages that grow at their end. Those that grow at their start stay half empty, and take more of its log.
"""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.migrations import online

revision = "0043"
down_revision = "0042"
compatible_from = "0029"
branch_labels = None
depends_on = None

_FILTERS = "status, worst_level, grade, batch_key, domain_id, outcome_id"
_OF_BATCHES = "created_at, status, worst_level, grade, domain_id, outcome_id"
_UP, _DOWN = "finished_at, id DESC", "finished_at DESC, id"
# By the name of a list: the columns of the reversed index and of the former one.
_LISTS = {
    "begun": (
        f"begun_at, created_at, id DESC, finished_at, {_FILTERS}",
        f"begun_at DESC, created_at DESC, id, finished_at, {_FILTERS}",
    ),
    "finished": (f"{_UP}, created_at, {_FILTERS}", f"{_DOWN}, created_at, {_FILTERS}"),
    "batch_up": (
        f"batch_key DESC NULLS LAST, {_UP}, {_OF_BATCHES}, domain",
        f"batch_key NULLS FIRST, {_DOWN}, {_OF_BATCHES}, domain",
    ),
    "batch_down": (
        f"batch_key NULLS FIRST, {_UP}, {_OF_BATCHES}",
        f"batch_key DESC NULLS LAST, {_DOWN}, {_OF_BATCHES}",
    ),
}


def _columns(text: str) -> list[str | sa.TextClause]:
    if op.get_bind().dialect.name == "sqlite":  # It sorts nulls like this by default, and refuses the words.
        text = text.replace(" NULLS LAST", "").replace(" NULLS FIRST", "")
    return [sa.text(column) if " " in column else column for column in text.split(", ")]


def upgrade() -> None:
    for name, (reversed_columns, _) in _LISTS.items():
        online.create_index(f"ix_runs_by_{name}_reversed", "runs", _columns(reversed_columns))
        online.drop_index(f"ix_runs_by_{name}", "runs")


def downgrade() -> None:
    for name, (_, former) in _LISTS.items():
        online.create_index(f"ix_runs_by_{name}", "runs", _columns(former))
        online.drop_index(f"ix_runs_by_{name}_reversed", "runs")
