"""Comparisons of two views: built once, since views never change, and read page by page."""

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ROW_ID_TYPE, Base, CompressedText, RowId, UtcTime, code_text


class SnapshotComparison(Base):
    """The differences between two views; removed with either of them.

    Columns that hold positions in the earlier view, in the later view or in both are packed
    (gonemaster_db.runs.documents).
    """

    __tablename__ = "snapshot_comparisons"
    __table_args__ = (
        UniqueConstraint("from_view_id", "to_view_id"),
        Index("ix_snapshot_comparisons_made_at", "made_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    from_view_id: Mapped[int] = mapped_column(ROW_ID_TYPE, ForeignKey("snapshot_views.id", ondelete="CASCADE"))
    to_view_id: Mapped[int] = mapped_column(
        ROW_ID_TYPE, ForeignKey("snapshot_views.id", ondelete="CASCADE"), index=True
    )
    basis: Mapped[str] = mapped_column(code_text(64), comment="digest of scoring, vocabularies and floors used")
    made_at: Mapped[UtcTime]
    summary: Mapped[str] = mapped_column(CompressedText, comment="JSON: totals and changed tags")
    clusters: Mapped[str] = mapped_column(CompressedText, comment="JSON: domains that moved together, largest first")
    added: Mapped[bytes] = mapped_column(LargeBinary)
    removed: Mapped[bytes] = mapped_column(LargeBinary)
    grade_changed: Mapped[bytes] = mapped_column(LargeBinary)
    level_changed: Mapped[bytes] = mapped_column(LargeBinary)
    moved: Mapped[bytes] = mapped_column(
        LargeBinary, comment="both positions, delta, explained delta, category; by delta, then name"
    )
    causes_changed: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="domains whose root causes differ; null: not compared"
    )
