"""Settings, pauses, idempotency keys and the audit."""

from typing import Any

from sqlalchemy import Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, Json, RowId, UtcTime, code_text


class Setting(Base):
    """A setting that overrides file and environment, or a value that the service stores for itself."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(code_text(255), primary_key=True)
    value: Mapped[Json]
    updated_at: Mapped[UtcTime] = mapped_column(index=True)


class QueuePause(Base):
    """A paused tier of the queue; a tier without a row is not paused."""

    __tablename__ = "queue_pauses"

    tier: Mapped[str] = mapped_column(code_text(16), primary_key=True)
    paused_by: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    since: Mapped[UtcTime]
    until: Mapped[UtcTime | None]  # The tier resumes automatically at this time.


class IdempotencyKey(Base):
    """The first response to a request with an Idempotency-Key, stored for a day."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(code_text(255), primary_key=True)
    request_hash: Mapped[str] = mapped_column(code_text(64))
    status_code: Mapped[int] = mapped_column(SmallInteger)
    response: Mapped[Json]
    created_at: Mapped[UtcTime] = mapped_column(index=True)


class AuditLine(Base):
    """One action of an operator."""

    __tablename__ = "audit"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    at: Mapped[UtcTime] = mapped_column(index=True)
    who: Mapped[str] = mapped_column(default="")
    action: Mapped[str] = mapped_column(code_text(64), index=True)
    target: Mapped[str] = mapped_column(default="")
    count: Mapped[int] = mapped_column(Integer, default=1)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
