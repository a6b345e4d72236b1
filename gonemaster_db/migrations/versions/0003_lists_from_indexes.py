"""Indexes that hold a whole order of runs and the columns that lists are filtered by, in place of narrow ones."""

from collections.abc import Mapping
from typing import TypeAlias

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NEWEST = "finished_at DESC"
FILTERS = ("status", "worst_level", "grade", "batch_id", "domain_id")
OF_BATCHES = ("created_at", "status", "worst_level", "grade", "domain_id")
Indexes: TypeAlias = Mapping[str, tuple[str, ...]]

ADDED: Indexes = {
    "ix_runs_by_created": ("created_at DESC", "id", "finished_at", *FILTERS),
    "ix_runs_by_begun": ("begun_at DESC", "created_at DESC", "id", "finished_at", *FILTERS),
    "ix_runs_by_finished": (NEWEST, "id", "created_at", *FILTERS),
    "ix_runs_by_domain": ("domain", NEWEST, "id", *FILTERS),
    "ix_runs_by_error": ("sev_severe DESC", "sev_critical DESC", NEWEST, "id", *FILTERS),
    "ix_runs_by_critical": ("sev_critical DESC", "sev_severe DESC", NEWEST, "id", *FILTERS),
    "ix_runs_by_rank_up": ("worst_rank", NEWEST, "id", *FILTERS),
    "ix_runs_by_rank_down": ("worst_rank DESC", NEWEST, "id", *FILTERS),
    "ix_runs_by_score_up": ("score", NEWEST, "id", *FILTERS),
    "ix_runs_by_score_down": ("score DESC NULLS LAST", NEWEST, "id", *FILTERS),
    "ix_runs_by_duration_up": ("duration_ms", NEWEST, "id", *FILTERS),
    "ix_runs_by_duration_down": ("duration_ms DESC NULLS LAST", NEWEST, "id", *FILTERS),
    "ix_runs_by_entries_up": ("entry_count", NEWEST, "id", *FILTERS),
    "ix_runs_by_entries_down": ("entry_count DESC", NEWEST, "id", *FILTERS),
    "ix_runs_by_batch_up": ("batch_id NULLS FIRST", NEWEST, "id", *OF_BATCHES, "domain"),
    "ix_runs_by_batch_down": ("batch_id DESC NULLS LAST", NEWEST, "id", *OF_BATCHES),
    "ix_runs_of_batch": ("batch_id", "status", "grade", "worst_level", "started_at"),
}
REPLACED: Indexes = {
    "ix_runs_created_at": ("created_at",),
    "ix_runs_begun_at": ("begun_at",),
    "ix_runs_finished_at": ("finished_at",),
    "ix_runs_domain": ("domain",),
    "ix_runs_sev_severe_sev_critical_finished_at": ("sev_severe", "sev_critical", "finished_at"),
    "ix_runs_sev_critical_sev_severe_finished_at": ("sev_critical", "sev_severe", "finished_at"),
    "ix_runs_worst_rank_finished_at": ("worst_rank", "finished_at"),
    "ix_runs_worst_rank_up": ("worst_rank", NEWEST),
    "ix_runs_score_up": ("score", NEWEST),
    "ix_runs_score_down": ("score DESC NULLS LAST", NEWEST),
    "ix_runs_duration_ms_up": ("duration_ms", NEWEST),
    "ix_runs_duration_ms_down": ("duration_ms DESC NULLS LAST", NEWEST),
    "ix_runs_entry_count_finished_at": ("entry_count", "finished_at"),
    "ix_runs_entry_count_up": ("entry_count", NEWEST),
    "ix_runs_batch_id_up": ("batch_id NULLS FIRST", NEWEST),
    "ix_runs_batch_id_down": ("batch_id DESC NULLS LAST", NEWEST),
    "ix_runs_batch_id_status": ("batch_id", "status"),
}


def upgrade() -> None:
    change(drop=REPLACED, make=ADDED)


def downgrade() -> None:
    change(drop=ADDED, make=REPLACED)


def change(*, drop: Indexes, make: Indexes) -> None:
    for name in drop:
        op.drop_index(name, table_name="runs")
    for name, columns in make.items():
        op.create_index(name, "runs", [sa.text(spoken(column)) for column in columns])


def spoken(column: str) -> str:
    """SQLite takes no NULLS clause in an index; its own place for nulls is the wanted one."""
    if op.get_context().dialect.name == "sqlite":
        return column.removesuffix(" NULLS FIRST").removesuffix(" NULLS LAST")
    return column
