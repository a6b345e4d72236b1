"""Stored profiles and the effective profiles of runs."""

from typing import Any

from sqlalchemy import Boolean, Integer
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, CompressedText, RowId, UtcTime, code_text


class Profile(Base):
    """A named profile with only the changed settings."""

    __tablename__ = "profiles"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(code_text(255), unique=True)
    description: Mapped[str] = mapped_column(default="")
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    public: Mapped[bool] = mapped_column(Boolean, default=False)
    schema_version: Mapped[str] = mapped_column(default="")
    created_at: Mapped[UtcTime]
    updated_at: Mapped[UtcTime]


class EffectiveProfile(Base):
    """A complete profile, stored once for all runs that used it."""

    __tablename__ = "effective_profiles"
    __table_args__ = ({"sqlite_autoincrement": True},)  # Workers cache these IDs, so that an ID must never be reused.

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(code_text(64), unique=True, comment="SHA-256 of the document")
    document: Mapped[str] = mapped_column(CompressedText, comment="JSON text, compressed")
    created_at: Mapped[UtcTime]
