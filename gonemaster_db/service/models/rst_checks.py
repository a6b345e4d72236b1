"""Rehearsals of Registry System Testing."""

from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, CompressedText, Json, OpaqueId, UtcTime


class RstCheck(Base):
    """A rehearsal: its input parameters, and the job of each TLD. The results are in the runs of the jobs."""

    __tablename__ = "rst_checks"

    id: Mapped[OpaqueId] = mapped_column(primary_key=True)
    created_at: Mapped[UtcTime] = mapped_column(index=True)
    job_ids: Mapped[Json] = mapped_column(comment="list, in the order of the TLDs")
    inputs: Mapped[str] = mapped_column(CompressedText, comment="input parameters of RST as JSON")
