"""Runs, their entries and DNSSEC chains: immutable records of finished jobs."""

from typing import Any

from sqlalchemy import BigInteger, Computed, Float, ForeignKey, Index, Integer, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gonemaster_db.base import (
    ID_TYPE,
    Base,
    DomainName,
    Json,
    LevelName,
    OpaqueId,
    RowId,
    UtcTime,
    code_text,
    enum_text,
)
from gonemaster_db.levels import RANK_SQL
from gonemaster_db.models.profiles import EffectiveProfile
from gonemaster_db.states import RunStatus


class Run(Base):
    """The record of a finished job; has the id of the job."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_domain_id_finished_at", "domain_id", "finished_at"),
        Index("ix_runs_worst_level_finished_at", "worst_level", "finished_at"),
        Index("ix_runs_grade_finished_at", "grade", "finished_at"),
        Index("ix_runs_status_finished_at", "status", "finished_at"),
    )

    id: Mapped[OpaqueId] = mapped_column(primary_key=True)
    public_id: Mapped[str | None] = mapped_column(code_text(12), unique=True)
    domain: Mapped[DomainName]
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    batch_id: Mapped[str | None] = mapped_column(ID_TYPE, ForeignKey("batches.id"))
    status: Mapped[RunStatus] = mapped_column(enum_text(RunStatus))
    priority: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[UtcTime]
    started_at: Mapped[UtcTime | None]
    begun_at: Mapped[UtcTime] = mapped_column(
        Computed("coalesce(started_at, created_at)", persisted=True), comment="what lists sort by"
    )
    finished_at: Mapped[UtcTime]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    attempt: Mapped[int] = mapped_column(SmallInteger, default=0)
    worker: Mapped[str | None] = mapped_column(String(255))
    error: Mapped[str] = mapped_column(default="")
    sev_notice: Mapped[int] = mapped_column(Integer, default=0)
    sev_warning: Mapped[int] = mapped_column(Integer, default=0)
    sev_error: Mapped[int] = mapped_column(Integer, default=0)
    sev_critical: Mapped[int] = mapped_column(Integer, default=0)
    sev_severe: Mapped[int] = mapped_column(
        Integer, Computed("sev_error + sev_critical", persisted=True), comment="what lists sort by"
    )
    entry_count: Mapped[int] = mapped_column(Integer, default=0)
    worst_level: Mapped[LevelName | None]
    worst_rank: Mapped[int] = mapped_column(
        SmallInteger, Computed(RANK_SQL.format(column="worst_level"), persisted=True)
    )
    score: Mapped[int | None] = mapped_column(SmallInteger)
    grade: Mapped[str | None] = mapped_column(code_text(4))
    findings_hash: Mapped[int | None] = mapped_column(
        BigInteger, comment="equal for runs that found the same from NOTICE up; of those that succeeded"
    )
    profile: Mapped[str] = mapped_column(default="")
    profile_id: Mapped[int | None] = mapped_column(ForeignKey("profiles.id", ondelete="SET NULL"), index=True)
    profile_name: Mapped[str] = mapped_column(default="")
    effective_profile_digest: Mapped[str | None] = mapped_column(
        code_text(64), ForeignKey("effective_profiles.digest"), index=True
    )
    nameserver_timings: Mapped[list[dict[str, Any]] | None]
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)

    effective_profile: Mapped[EffectiveProfile | None] = relationship()

    @property
    def severity_totals(self) -> dict[str, int]:
        """Number of entries of each level from NOTICE up."""
        return {
            "NOTICE": self.sev_notice,
            "WARNING": self.sev_warning,
            "ERROR": self.sev_error,
            "CRITICAL": self.sev_critical,
        }


class Entry(Base):
    """One line of a run."""

    __tablename__ = "entries"
    __table_args__ = (
        Index("ix_entries_run_id_id", "run_id", "id"),
        Index("ix_entries_domain_id_run_id", "domain_id", "run_id"),
        Index("ix_entries_tag_run_id", "tag", "run_id"),
        Index("ix_entries_testcase_run_id", "testcase", "run_id"),
        Index("ix_entries_module_run_id", "module", "run_id"),
        Index("ix_entries_level_run_id", "level", "run_id"),
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ID_TYPE, ForeignKey("runs.id", ondelete="CASCADE"))
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    timestamp: Mapped[float] = mapped_column(Float, comment="seconds since the start of the run")
    module: Mapped[str] = mapped_column(code_text(32), comment="upper case")
    testcase: Mapped[str] = mapped_column(code_text(32), comment="lower case, empty for the run itself")
    tag: Mapped[str] = mapped_column(code_text(64))
    level: Mapped[LevelName]
    args: Mapped[Json]


class DnssecChain(Base):
    """The DNSSEC chain of trust as one run saw it."""

    __tablename__ = "run_dnssec_chain"

    run_id: Mapped[str] = mapped_column(ID_TYPE, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    chain: Mapped[Json]
