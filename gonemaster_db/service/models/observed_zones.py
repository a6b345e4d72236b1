"""Zones that watches observe, the timelines of rollovers, and the decisions about DS records."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import JSON_TYPE, Base, CompressedText, DomainName, RowId, UtcTime, code_text


class ObservedZone(Base):
    """A domain of a watch that is observed at intervals: when it is due, and what earlier observations said."""

    __tablename__ = "observed_zones"
    __table_args__ = (Index("ix_observed_zones_next_at", "next_at"), {"sqlite_with_rowid": False})

    watch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("watches.id", ondelete="CASCADE"), primary_key=True)
    domain: Mapped[DomainName] = mapped_column(primary_key=True, index=True)
    next_at: Mapped[UtcTime] = mapped_column(comment="when it is due, or the end of the lease while it is observed")
    observed_at: Mapped[UtcTime | None]
    state: Mapped[dict[str, Any]] = mapped_column(comment="what earlier observations said")


class RolloverSpan(Base):
    """A time during which all samples of a watched zone showed the same state."""

    __tablename__ = "rollover_spans"

    key: Mapped[RowId] = mapped_column(primary_key=True)
    watch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("watches.id", ondelete="CASCADE"), index=True)
    first_at: Mapped[UtcTime]
    last_at: Mapped[UtcTime]
    samples: Mapped[int] = mapped_column(Integer)
    state: Mapped[dict[str, Any]]


class CdsDecision(Base):
    """What should happen to the DS records of a domain, with the observation that says so. Never changed."""

    __tablename__ = "cds_decisions"
    __table_args__ = ({"sqlite_autoincrement": True},)  # The key is the cursor of readers: it must not be reused.

    key: Mapped[RowId] = mapped_column(primary_key=True)
    watch_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("watches.id", ondelete="SET NULL"), index=True)
    domain: Mapped[DomainName] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(code_text(16))
    reason: Mapped[str] = mapped_column(code_text(32))
    ds: Mapped[list[str]] = mapped_column(JSON_TYPE, comment="the complete set that the delegation should have")
    current_ds: Mapped[list[str]] = mapped_column(JSON_TYPE, comment="the set at the time of the decision")
    decided_at: Mapped[UtcTime] = mapped_column(index=True)
    evidence: Mapped[str] = mapped_column(CompressedText, comment="the observation, as JSON")
