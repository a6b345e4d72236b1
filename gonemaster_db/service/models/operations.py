"""Operations: changes of many rows that a maintenance task performs in the background."""

import enum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ROW_ID_TYPE, Base, Json, OpaqueId, UtcTime, enum_text
from gonemaster_db.core.texts import Sentence


class OperationKind(enum.StrEnum):
    """The kind of an operation, named like the audit action. Values are stored and sent by the API."""

    CANCEL_BATCH = "batch.cancel"
    PURGE_RUNS = "jobs.purge"
    PURGE_TAG = "tag.purge"
    DELETE_PROFILE = "profile.delete"
    DELETE_DOMAIN = "domain.delete"
    PRUNE_DOMAINS = "domains.prune"
    CANCEL_JOBS = "jobs.cancel"
    REMOVE_WAITING = "queue.remove"
    HOLD_WAITING = "queue.hold"
    RELEASE_WAITING = "queue.release"
    MOVE_WAITING = "queue.move"
    UNTAG_DOMAINS = "tag.untag"
    FILL_BATCH = "batch.fill"


class OperationStatus(enum.StrEnum):
    """The state of an operation. Values are stored and sent by the API: append, never change."""

    QUEUED = "queued"  # waits for a worker, possibly for another one after a shutdown
    RUNNING = "running"  # claimed by a worker; after the lease has expired, another worker can claim it
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # `error` says why; finished changes are not undone


class Operation(Base):
    """One change of many rows, performed in short transactions, each of which also adds to `done`."""

    __tablename__ = "operations"
    __table_args__ = (Index("ix_operations_status_created_at", "status", "created_at"),)

    id: Mapped[OpaqueId] = mapped_column(primary_key=True)
    kind: Mapped[OperationKind] = mapped_column(enum_text(OperationKind))
    target: Mapped[str] = mapped_column(default="", comment="id or name of what is changed, as in the audit")
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[OperationStatus] = mapped_column(enum_text(OperationStatus), default=OperationStatus.QUEUED)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(BigInteger, comment="rows to change, counted at the start")
    result: Mapped[Json | None] = mapped_column(comment="what the synchronous response would have been")
    error: Mapped[str] = mapped_column(Sentence, default="")
    who: Mapped[str] = mapped_column(default="")
    audit_id: Mapped[int | None] = mapped_column(ROW_ID_TYPE, ForeignKey("audit.id", ondelete="SET NULL"), index=True)
    worker: Mapped[str | None] = mapped_column(String(255), comment="holder of the claim, unique for each claim")
    lease_until: Mapped[UtcTime | None]  # set by the claim, renewed by each transaction
    attempts: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="starts since the last progress; those that were released do not count"
    )
    created_at: Mapped[UtcTime] = mapped_column(index=True)
    started_at: Mapped[UtcTime | None]
    finished_at: Mapped[UtcTime | None]
