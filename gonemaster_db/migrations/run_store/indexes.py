"""The indexes of the tables of runs before and after migrations 0008 and 0009."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

from gonemaster_db.migrations.run_store.tables import on_postgres

_NEWEST = "finished_at DESC"


class TableIndex(NamedTuple):
    """An index that is created after the rows were moved; `where` makes it partial."""

    table: str
    name: str
    columns: tuple[str, ...]
    where: str | None = None

    def create(self) -> None:
        """Create it unless it is there."""
        condition = None if self.where is None else sa.text(self.where)
        op.create_index(
            self.name,
            self.table,
            [sa.text(_spoken(column)) for column in self.columns],
            if_not_exists=True,
            postgresql_where=condition,
            sqlite_where=condition,
        )


def _of_runs(batch: str, filters: Iterable[str]) -> tuple[TableIndex, ...]:
    """Return the indexes of runs that differ only in the columns that lists are filtered by; `batch` is one of them."""
    every = tuple(filters)
    of_batches = ("created_at", *(column for column in every if column != batch))
    indexes = {
        "ix_runs_by_created": ("created_at DESC", "id", "finished_at", *every),
        "ix_runs_by_begun": ("begun_at DESC", "created_at DESC", "id", "finished_at", *every),
        "ix_runs_by_finished": (_NEWEST, "id", "created_at", *every),
        "ix_runs_by_domain": ("domain", _NEWEST, "id", *every),
        "ix_runs_by_error": ("sev_severe DESC", "sev_critical DESC", _NEWEST, "id", *every),
        "ix_runs_by_critical": ("sev_critical DESC", "sev_severe DESC", _NEWEST, "id", *every),
        "ix_runs_by_rank_up": ("worst_rank", _NEWEST, "id", *every),
        "ix_runs_by_rank_down": ("worst_rank DESC", _NEWEST, "id", *every),
        "ix_runs_by_score_up": ("score", _NEWEST, "id", *every),
        "ix_runs_by_score_down": ("score DESC NULLS LAST", _NEWEST, "id", *every),
        "ix_runs_by_duration_up": ("duration_ms", _NEWEST, "id", *every),
        "ix_runs_by_duration_down": ("duration_ms DESC NULLS LAST", _NEWEST, "id", *every),
        "ix_runs_by_entries_up": ("entry_count", _NEWEST, "id", *every),
        "ix_runs_by_entries_down": ("entry_count DESC", _NEWEST, "id", *every),
        "ix_runs_by_batch_up": (f"{batch} NULLS FIRST", _NEWEST, "id", *of_batches, "domain"),
        "ix_runs_by_batch_down": (f"{batch} DESC NULLS LAST", _NEWEST, "id", *of_batches),
        "ix_runs_domain_id_finished_at": ("domain_id", "finished_at"),
        "ix_runs_worst_level_finished_at": ("worst_level", "finished_at"),
        "ix_runs_grade_finished_at": ("grade", "finished_at"),
        "ix_runs_status_finished_at": ("status", "finished_at"),
        "ix_runs_profile_id": ("profile_id",),
    }
    in_batch = (batch, "domain", "findings_hash", "status")
    return (
        *(TableIndex("runs", name, columns) for name, columns in indexes.items()),
        TableIndex("runs", "ix_runs_in_batch_by_domain", in_batch, where=f"{batch} IS NOT NULL"),
    )


_OF_BATCHES = (
    TableIndex("batches", "ix_batches_tag", ("tag",)),
    TableIndex("batches", "ix_batches_created_at", ("created_at",)),
)
OLD_INDEXES = (
    *_OF_BATCHES,
    *_of_runs("batch_id", ("status", "worst_level", "grade", "batch_id", "domain_id")),
    TableIndex("runs", "ix_runs_of_batch", ("batch_id", "status", "grade", "worst_level", "started_at")),
    TableIndex("runs", "ix_runs_effective_profile_digest", ("effective_profile_digest",)),
    TableIndex("entries", "ix_entries_run_id_id", ("run_id", "id")),
    TableIndex("entries", "ix_entries_domain_id_run_id", ("domain_id", "run_id")),
    TableIndex("entries", "ix_entries_tag_run_id", ("tag", "run_id")),
    TableIndex("entries", "ix_entries_testcase_run_id", ("testcase", "run_id")),
    TableIndex("entries", "ix_entries_module_run_id", ("module", "run_id")),
    TableIndex("entries", "ix_entries_level_run_id", ("level", "run_id")),
)
NEW_INDEXES = (
    *_OF_BATCHES,
    *_of_runs("batch_key", ("status", "worst_level", "grade", "batch_key", "domain_id", "outcome_id")),
    TableIndex("runs", "ix_runs_by_id", ("id", "outcome_id", "key", "domain_id", "batch_key")),
    TableIndex("runs", "ix_runs_of_outcome", ("outcome_id", "id")),
    TableIndex("runs", "ix_runs_of_batch_by_id", ("batch_key", "id", "outcome_id")),
    TableIndex("runs", "ix_runs_of_batch", ("batch_key", "started_at")),
    TableIndex("runs", "ix_runs_effective_profile_id", ("effective_profile_id",)),
    TableIndex("module_outcome_kinds", "ix_module_outcome_kinds_module_outcome_id", ("module_outcome_id",)),
    TableIndex("outcome_modules", "ix_outcome_modules_outcome_id", ("outcome_id",)),
)


def _spoken(column: str) -> str:
    """SQLite takes no NULLS clause in an index; its own place for nulls is the wanted one."""
    if not on_postgres():
        return column.removesuffix(" NULLS FIRST").removesuffix(" NULLS LAST")
    return column
