"""Files of the analysis in columns: which Parquet files count, and who is writing one."""

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import DOMAIN_TYPE, ROW_ID_TYPE, Base, RowId, UtcTime, code_text


class AnalysisFile(Base):
    """A Parquet file with facts of a snapshot, or with a table of its view. A file without a row does not count.

    The row of a file with facts has the keys of the runs in it, packed: it replaces a row in `projections` for each.
    """

    __tablename__ = "analysis_files"
    __table_args__ = (Index("ix_analysis_files_snapshot_id_kind", "snapshot_id", "kind"),)

    id: Mapped[RowId] = mapped_column(primary_key=True)
    snapshot_id: Mapped[int | None] = mapped_column(
        ROW_ID_TYPE,
        ForeignKey("cohort_snapshots.id", ondelete="SET NULL"),
        comment="null: removed, while its view has readers",
    )
    view_id: Mapped[int | None] = mapped_column(
        ROW_ID_TYPE, ForeignKey("snapshot_views.id", ondelete="CASCADE"), index=True, comment="null: a file with facts"
    )
    kind: Mapped[str] = mapped_column(code_text(32), comment="facts, or the name of a table of the view")
    name: Mapped[str] = mapped_column(code_text(255), unique=True, comment="path below analytics.location")
    rows: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger, comment="in bytes")
    first_domain: Mapped[str | None] = mapped_column(DOMAIN_TYPE, comment="of a file with facts")
    last_domain: Mapped[str | None] = mapped_column(DOMAIN_TYPE)
    first_key: Mapped[int | None] = mapped_column(BigInteger, comment="lowest key of its runs")
    last_key: Mapped[int | None] = mapped_column(BigInteger)
    run_keys: Mapped[bytes | None] = mapped_column(
        LargeBinary, deferred=True, comment="packed keys of its runs; null: they are to be projected again"
    )
    created_at: Mapped[UtcTime]


class ProjectionClaim(Base):
    """A range of run keys that one worker is writing to a file; without the row the file is not registered."""

    __tablename__ = "projection_claims"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    snapshot_id: Mapped[int] = mapped_column(
        ROW_ID_TYPE, ForeignKey("cohort_snapshots.id", ondelete="CASCADE"), index=True
    )
    first_key: Mapped[int] = mapped_column(BigInteger)
    last_key: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str] = mapped_column(code_text(32))
    lease_until: Mapped[UtcTime]
