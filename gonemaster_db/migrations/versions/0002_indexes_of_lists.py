"""Indexes for the sorts and filters of lists of runs and entries."""

from collections.abc import Mapping
from typing import TypeAlias

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEWEST = "finished_at DESC"
Indexes: TypeAlias = Mapping[str, tuple[str, ...]]

ADDED: Indexes = {
    "ix_runs_sev_severe_sev_critical_finished_at": ("runs", "sev_severe", "sev_critical", "finished_at"),
    "ix_runs_sev_critical_sev_severe_finished_at": ("runs", "sev_critical", "sev_severe", "finished_at"),
    "ix_runs_entry_count_finished_at": ("runs", "entry_count", "finished_at"),
    "ix_runs_entry_count_up": ("runs", "entry_count", NEWEST),
    "ix_runs_worst_rank_up": ("runs", "worst_rank", NEWEST),
    "ix_runs_score_up": ("runs", "score", NEWEST),
    "ix_runs_score_down": ("runs", "score DESC NULLS LAST", NEWEST),
    "ix_runs_duration_ms_up": ("runs", "duration_ms", NEWEST),
    "ix_runs_duration_ms_down": ("runs", "duration_ms DESC NULLS LAST", NEWEST),
    "ix_runs_batch_id_up": ("runs", "batch_id NULLS FIRST", NEWEST),
    "ix_runs_batch_id_down": ("runs", "batch_id DESC NULLS LAST", NEWEST),
    "ix_runs_worst_level_finished_at": ("runs", "worst_level", "finished_at"),
    "ix_runs_grade_finished_at": ("runs", "grade", "finished_at"),
    "ix_entries_testcase_run_id": ("entries", "testcase", "run_id"),
    "ix_entries_module_run_id": ("entries", "module", "run_id"),
    "ix_entries_level_run_id": ("entries", "level", "run_id"),
    "ix_domain_tags_tag_domain_id": ("domain_tags", "tag", "domain_id"),
}
REPLACED: Indexes = {
    "ix_runs_sev_severe": ("runs", "sev_severe"),
    "ix_runs_worst_level": ("runs", "worst_level"),
    "ix_domain_tags_tag": ("domain_tags", "tag"),
}


def upgrade() -> None:
    make(ADDED)
    drop(REPLACED)


def downgrade() -> None:
    make(REPLACED)
    drop(ADDED)


def make(indexes: Indexes) -> None:
    for name, (table, *columns) in indexes.items():
        op.create_index(name, table, [sa.text(spoken(column)) for column in columns])


def drop(indexes: Indexes) -> None:
    for name, (table, *_) in indexes.items():
        op.drop_index(name, table_name=table)


def spoken(column: str) -> str:
    """SQLite takes no NULLS clause in an index; its own place for nulls is the wanted one."""
    if op.get_context().dialect.name == "sqlite":
        return column.removesuffix(" NULLS FIRST").removesuffix(" NULLS LAST")
    return column
