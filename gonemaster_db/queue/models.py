"""The table of jobs: unfinished requests to test a domain."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ID_TYPE, JSON_TYPE, Base, DomainName, OpaqueId, UtcTime, code_text, enum_text
from gonemaster_db.core.states import JobStatus, Priority
from gonemaster_db.core.texts import Sentence


def _present_only(column: str) -> Index:
    """Create a partial index for a column that is usually null, so that a claim rewrites fewer index entries."""
    present = text(f"{column} IS NOT NULL")
    return Index(f"ix_jobs_{column}", column, postgresql_where=present, sqlite_where=present)


class Job(Base):
    """A request to test one domain, from submission until it graduates to a run with the same ID."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_priority_position", "priority", "position"),
        Index("ix_jobs_status_lease_until", "status", "lease_until"),
        _present_only("expires_at"),
        _present_only("profile_id"),
    )

    id: Mapped[OpaqueId] = mapped_column(primary_key=True)
    public_id: Mapped[str | None] = mapped_column(code_text(12), unique=True)
    domain: Mapped[DomainName] = mapped_column(comment="A-labels, lower case, no final dot")
    domain_id: Mapped[int | None] = mapped_column(ForeignKey("domains.id"))
    batch_id: Mapped[str | None] = mapped_column(ID_TYPE, ForeignKey("batches.id"), index=True)
    status: Mapped[JobStatus] = mapped_column(enum_text(JobStatus), default=JobStatus.QUEUED)
    priority: Mapped[int] = mapped_column(SmallInteger, default=Priority.NORMAL)
    position: Mapped[int] = mapped_column(BigInteger, comment="order within the tier, sparse")
    created_at: Mapped[UtcTime] = mapped_column(index=True)
    started_at: Mapped[UtcTime | None]
    expires_at: Mapped[UtcTime | None]  # A job that has not started by then becomes an expired run.
    progress: Mapped[int] = mapped_column(SmallInteger, default=0)
    error: Mapped[str] = mapped_column(Sentence, default="")
    attempt: Mapped[int] = mapped_column(SmallInteger, default=0, comment="number of claims")
    releases: Mapped[int] = mapped_column(SmallInteger, default=0, comment="claims given back in order")
    worker: Mapped[str | None] = mapped_column(String(255))
    lease_until: Mapped[UtcTime | None]  # set by the claim, renewed by the worker
    cancel_requested_at: Mapped[UtcTime | None]
    profile: Mapped[str] = mapped_column(default="", comment="as sent by the client, unused")
    profile_id: Mapped[int | None] = mapped_column(ForeignKey("profiles.id", ondelete="SET NULL"))
    profile_name: Mapped[str] = mapped_column(default="")
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AttemptLog(Base):
    """The last log lines of an attempt that failed; without a foreign key, because jobs graduate to another table."""

    __tablename__ = "attempt_logs"

    job_id: Mapped[OpaqueId] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    worker: Mapped[str] = mapped_column(String(255))
    ended_at: Mapped[UtcTime] = mapped_column(index=True)
    lines: Mapped[list[str]] = mapped_column(JSON_TYPE)
