"""Stored policies, one row for each version."""

from typing import Any

from sqlalchemy import Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, RowId, SmallCode, UtcTime, code_text

VERDICTS = ("pass", "fail", "undecided")  # append, never change: stored by position
VERDICT_TYPE = SmallCode(VERDICTS)
POLICY_NAME = code_text(64)


class StoredPolicy(Base):
    """A version of a policy. It is kept when the policy is removed, because runs refer to it by name and version."""

    __tablename__ = "policies"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[RowId] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(POLICY_NAME)
    version: Mapped[int] = mapped_column(Integer, comment="1, 2, ...; continued if a removed policy is stored again")
    document: Mapped[dict[str, Any]] = mapped_column(comment="in normal form, without name and version")
    created_at: Mapped[UtcTime]
    created_by: Mapped[str] = mapped_column(String(255))
    removed_at: Mapped[UtcTime | None]
