"""Stored profiles and the effective profiles that runs were made with."""

from typing import Any

from sqlalchemy import Boolean
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.base import Base, RowId, UtcTime, code_text


class Profile(Base):
    """A sparse profile under a name."""

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
    """A complete profile, stored once however many runs used it."""

    __tablename__ = "effective_profiles"

    digest: Mapped[str] = mapped_column(code_text(64), primary_key=True, comment="SHA-256 of the document")
    document: Mapped[str] = mapped_column(comment="JSON text")
    created_at: Mapped[UtcTime]
