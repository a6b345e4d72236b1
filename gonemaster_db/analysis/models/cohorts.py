"""Cohorts: tags whose domains are tracked over time."""

import enum

from sqlalchemy import Boolean, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, RowId, UtcTime, code_text, enum_text
from gonemaster_db.core.states import Keep
from gonemaster_db.domains.models.domains import TAG_TYPE


class MaterializationStatus(enum.StrEnum):
    """The state of a cohort's facts. Values are stored and sent by the API: append, never change."""

    PENDING = "pending"  # not built yet, or being rebuilt
    READY = "ready"
    FAILED = "failed"  # `last_materialization_error` says why


class DefaultPolicy(enum.StrEnum):
    """The choice of the default snapshot of a cohort. Values are stored and sent by the API: append, never change."""

    AUTO_LATEST = "auto_latest"  # the newest captured and public snapshot
    PINNED = "pinned"  # the snapshot that an operator chose


_DEFAULT = text("is_default")


class Cohort(Base):
    """A tag as a population; runs of its domains in batches with snapshot intent are projected into facts."""

    __tablename__ = "cohorts"
    __table_args__ = (
        # At most one row: the database decides if two operators choose at the same time.
        Index(
            "uq_cohorts_default", "is_default", unique=True, postgresql_where="is_default", sqlite_where="is_default"
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    source_type: Mapped[str] = mapped_column(code_text(16), default="tag")
    source_tag: Mapped[str] = mapped_column(TAG_TYPE, ForeignKey("tags.name"), unique=True)
    label: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    analysis_enabled: Mapped[bool] = mapped_column(Boolean, default=False)
    public_enabled: Mapped[bool] = mapped_column(Boolean, default=False)
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    sort_order: Mapped[int] = mapped_column(Integer, default=0)
    materialization_status: Mapped[MaterializationStatus] = mapped_column(
        enum_text(MaterializationStatus), default=MaterializationStatus.PENDING
    )
    materialization_done: Mapped[int] = mapped_column(Integer, default=0)
    materialization_total: Mapped[int] = mapped_column(Integer, default=0)
    last_materialized_at: Mapped[UtcTime | None]
    last_materialization_error: Mapped[str] = mapped_column(default="")
    default_snapshot_policy: Mapped[DefaultPolicy] = mapped_column(
        enum_text(DefaultPolicy), default=DefaultPolicy.AUTO_LATEST
    )
    default_snapshot_id: Mapped[RowId | None] = mapped_column(
        ForeignKey("cohort_snapshots.id", ondelete="SET NULL", use_alter=True), index=True, comment="if pinned"
    )
    tag_view_min_level: Mapped[str] = mapped_column(code_text(8), default="", comment="empty: that of the server")
    coverage: Mapped[int | None] = mapped_column(
        Integer, comment="percent of the members that a snapshot needs to become the default; null: that of the server"
    )
    keep: Mapped[Keep | None] = mapped_column(
        enum_text(Keep), comment="of the runs of new batches that choose nothing; null: that of the server"
    )
    reference_list: Mapped[str] = mapped_column(code_text(32), default="")
    generation: Mapped[int] = mapped_column(
        Integer, default=0, comment="raised when it is cleared or made anew: what was begun before is dropped"
    )
    created_at: Mapped[UtcTime]
    updated_at: Mapped[UtcTime]
