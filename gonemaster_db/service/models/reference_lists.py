"""External lists that cohorts are compared with."""

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, CompressedText, UtcTime, code_text


class ReferenceList(Base):
    """A fetched list, or the error of the last attempt to fetch it; without a row the bundled list is used."""

    __tablename__ = "reference_lists"

    name: Mapped[str] = mapped_column(code_text(32), primary_key=True)
    version: Mapped[str] = mapped_column(code_text(64), default="", comment="empty: never fetched")
    entries: Mapped[int] = mapped_column(Integer, default=0)
    content: Mapped[str] = mapped_column(CompressedText, default="", comment="names in A-labels, one a line")
    fetched_at: Mapped[UtcTime | None]
    tried_at: Mapped[UtcTime] = mapped_column(comment="of the last attempt; the next one follows an interval later")
    last_error: Mapped[str] = mapped_column(default="")
    last_error_at: Mapped[UtcTime | None]
