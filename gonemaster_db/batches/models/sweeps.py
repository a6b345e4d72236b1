"""Tables of uploads, and of sweeps: batches whose names come from an upload or a file."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, OpaqueId, UtcTime, code_text


class Upload(Base):
    """A file that a client uploads in parts, in the database so that all processes on all hosts can read it."""

    __tablename__ = "uploads"

    id: Mapped[OpaqueId] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="", comment="as given by the client")
    created_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime] = mapped_column(index=True, comment="renewed by each part")
    parts: Mapped[int] = mapped_column(default=0, comment="number of parts of the complete upload; 0: not complete yet")


class UploadPart(Base):
    """One part of an upload."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[OpaqueId] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(Integer, comment="bytes")
    sha256: Mapped[str] = mapped_column(code_text(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Sweep(Base):
    """A batch that an operation fills from an upload or a file; the row is removed when all jobs are written."""

    __tablename__ = "sweeps"

    operation_id: Mapped[OpaqueId] = mapped_column(primary_key=True)
    batch_id: Mapped[OpaqueId] = mapped_column(comment="of a batch that exists once the names are checked")
    source: Mapped[dict[str, Any]] = mapped_column(comment="{upload_id, parts} or {file}")
    batch: Mapped[dict[str, Any]] = mapped_column(comment="the fields of the new batch")
    options: Mapped[dict[str, Any]] = mapped_column(comment="of each job: config, profile_id, expires_at")
    skip_invalid: Mapped[bool] = mapped_column(default=False)
    report: Mapped[dict[str, Any] | None] = mapped_column(comment="counts and examples; null until all lines are read")
    skipped: Mapped[bytes | None] = mapped_column(LargeBinary, comment="compressed bit map of lines without a job")
    line: Mapped[int] = mapped_column(BigInteger, default=0, comment="the last line whose job is written")
