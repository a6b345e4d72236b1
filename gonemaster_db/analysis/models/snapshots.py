"""Snapshots: the results of one batch for one cohort."""

import enum

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ROW_ID_TYPE, Base, CompressedText, RowId, UtcTime, code_text, enum_text

# IDs are part of ETags and process caches, so they must never be reused: SQLite needs AUTOINCREMENT for that.
_NO_ID_REUSE = {"sqlite_autoincrement": True}


class SnapshotStatus(enum.StrEnum):
    """The state of a snapshot. Values are stored and sent by the API: append, never change."""

    PENDING = "pending"  # its batch is running, or not all of its runs are projected
    CAPTURED = "captured"
    RETIRED = "retired"  # kept but not shown
    FAILED_MIXED_PROFILES = "failed_mixed_profiles"  # its runs used different profiles


class FactStorage(enum.StrEnum):
    """Where a snapshot has its facts and its view. Values are stored: append, never change."""

    ROWS = "rows"  # in tables of the database
    COLUMNS = "columns"  # in Parquet files below `analytics.location`


class Vocabulary(Base):
    """An immutable table of message tags and their levels, as used by runs of one engine version with one profile."""

    __tablename__ = "vocabularies"
    __table_args__ = (_NO_ID_REUSE,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True, comment="BLAKE2b of the text")
    levels: Mapped[str] = mapped_column(CompressedText, comment="JSON: module to tag to level")


class CohortSnapshot(Base):
    """The results of one batch for one cohort. Public reads use its view, which is built from facts.

    A snapshot without cohort and batch is discarded: it cannot be found, and a maintenance task removes it and its
    facts in steps.
    """

    __tablename__ = "cohort_snapshots"
    __table_args__ = (
        UniqueConstraint("cohort_id", "batch_key"),
        UniqueConstraint("cohort_id", "slug"),
        Index("ix_cohort_snapshots_cohort_id_status_captured_at", "cohort_id", "status", "captured_at"),
        _NO_ID_REUSE,
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    cohort_id: Mapped[int | None] = mapped_column(ForeignKey("cohorts.id", ondelete="SET NULL"))
    batch_key: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("batches.key", ondelete="SET NULL"), index=True
    )
    slug: Mapped[str] = mapped_column(code_text(64))
    label: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    profile_id: Mapped[int | None] = mapped_column(ForeignKey("profiles.id", ondelete="SET NULL"), index=True)
    profile_name: Mapped[str] = mapped_column(default="")
    engine_version: Mapped[str] = mapped_column(default="", comment="empty: unknown")
    mixed_engine_version: Mapped[bool] = mapped_column(Boolean, default=False)
    scoring_config_hash: Mapped[str] = mapped_column(code_text(64), default="", comment="empty: unknown")
    score_rule: Mapped[int | None] = mapped_column(SmallInteger, comment="null: the first rule, or not captured")
    vocabulary_id: Mapped[int | None] = mapped_column(ForeignKey("vocabularies.id"), index=True)
    captured_at: Mapped[UtcTime | None]
    first_run_at: Mapped[UtcTime | None]
    last_run_at: Mapped[UtcTime | None]
    run_count: Mapped[int] = mapped_column(Integer, default=0, comment="projected runs")
    domain_count: Mapped[int] = mapped_column(Integer, default=0)
    coverage: Mapped[int | None] = mapped_column(
        Integer, comment="percent of the members with a result when it was captured; null: not known"
    )
    default_allowed: Mapped[bool] = mapped_column(
        Boolean, default=True, server_default=true(), comment="it may become the default without being pinned"
    )
    status: Mapped[SnapshotStatus] = mapped_column(enum_text(SnapshotStatus, 32), default=SnapshotStatus.PENDING)
    is_public: Mapped[bool] = mapped_column(Boolean, default=True)
    tag_view_min_level: Mapped[str] = mapped_column(code_text(8), default="", comment="the floor that its facts have")
    materialization_status: Mapped[str] = mapped_column(code_text(16), default="")
    materialization_done: Mapped[int] = mapped_column(Integer, default=0)
    materialization_total: Mapped[int] = mapped_column(Integer, default=0)
    last_materialization_error: Mapped[str] = mapped_column(default="")
    last_materialized_at: Mapped[UtcTime | None]
    seen_runs: Mapped[int] = mapped_column(
        BigInteger, default=0, comment="succeeded runs of the batch when all of them were last looked at"
    )
    reduced_key: Mapped[int] = mapped_column(
        BigInteger,
        default=0,
        server_default="0",
        comment="runs up to this key were reduced while the batch was running",
    )
    facts_revision: Mapped[int] = mapped_column(Integer, default=0, comment="raised by each change of its facts")
    captured_revision: Mapped[int] = mapped_column(Integer, default=-1, comment="of the facts that the view shows")
    view_id: Mapped[RowId | None] = mapped_column(
        ForeignKey("snapshot_views.id", ondelete="SET NULL", use_alter=True), index=True
    )
    storage: Mapped[FactStorage] = mapped_column(
        enum_text(FactStorage, 8), default=FactStorage.ROWS, server_default="rows", comment="of its facts and its view"
    )
    created_at: Mapped[UtcTime]
    updated_at: Mapped[UtcTime]


class PurgedSnapshot(Base):
    """A batch that has no snapshot in a cohort, because an operator removed it; valid until the cohort is rebuilt."""

    __tablename__ = "purged_snapshots"
    __table_args__ = ({"sqlite_with_rowid": False},)

    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohorts.id", ondelete="CASCADE"), primary_key=True)
    batch_key: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("batches.key", ondelete="CASCADE"), primary_key=True, index=True
    )


class SnapshotView(Base):
    """An immutable view: built row by row under its own ID, then published in place of the previous view.

    A view without a snapshot is being built, was abandoned or was replaced; a maintenance task removes it later.
    """

    __tablename__ = "snapshot_views"
    __table_args__ = (_NO_ID_REUSE,)

    id: Mapped[RowId] = mapped_column(primary_key=True)
    snapshot_id: Mapped[int | None] = mapped_column(
        ROW_ID_TYPE, ForeignKey("cohort_snapshots.id", ondelete="SET NULL"), index=True
    )
    builder: Mapped[str] = mapped_column(default="", comment="who builds it; empty when it is complete")
    lease_until: Mapped[UtcTime | None] = mapped_column(comment="of the builder; null when it is complete")
    created_at: Mapped[UtcTime]
    fact_rows: Mapped[int | None] = mapped_column(BigInteger, comment="rows of all fact tables that it was made from")
