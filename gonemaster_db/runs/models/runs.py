"""Runs: immutable records of finished jobs. Their findings are in outcomes and documents."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Computed,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from gonemaster_db.batches.models.batches import Batch
from gonemaster_db.core.base import Base, DomainName, OpaqueId, RowId, SmallCode, UtcTime, code_text
from gonemaster_db.core.levels import CODE_RANK_SQL, LEVELS
from gonemaster_db.core.states import RunStatus
from gonemaster_db.core.texts import Sentence
from gonemaster_db.domains.models.policies import POLICY_NAME, VERDICT_TYPE
from gonemaster_db.domains.models.profiles import EffectiveProfile

RUN_STATUS_TYPE = SmallCode(list(RunStatus))
LEVEL_TYPE = SmallCode(LEVELS)
_HAS_PROFILE = text("profile_id IS NOT NULL")


class Run(Base):
    """The record of a finished job, with the ID of the job."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("id"),
        Index("ix_runs_domain_id_finished_at", "domain_id", "finished_at"),
        Index("ix_runs_worst_level_finished_at", "worst_level", "finished_at"),
        Index("ix_runs_grade_finished_at", "grade", "finished_at"),
        Index("ix_runs_cause_set_id_finished_at", "cause_set_id", "finished_at"),
        Index("ix_runs_profile_id", "profile_id", postgresql_where=_HAS_PROFILE, sqlite_where=_HAS_PROFILE),
    )

    key: Mapped[RowId] = mapped_column(primary_key=True, comment="inside of the database; outside runs have ids")
    id: Mapped[OpaqueId]
    public_id: Mapped[str | None] = mapped_column(code_text(12), unique=True)
    domain: Mapped[DomainName]
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    batch_key: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("batches.key"))
    outcome_id: Mapped[int | None] = mapped_column(ForeignKey("outcomes.id"), comment="null: no entries")
    status: Mapped[RunStatus] = mapped_column(RUN_STATUS_TYPE)
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
    error: Mapped[str] = mapped_column(Sentence, default="")
    sev_notice: Mapped[int] = mapped_column(Integer, default=0)
    sev_warning: Mapped[int] = mapped_column(Integer, default=0)
    sev_error: Mapped[int] = mapped_column(Integer, default=0)
    sev_critical: Mapped[int] = mapped_column(Integer, default=0)
    sev_severe: Mapped[int] = mapped_column(
        Integer, Computed("sev_error + sev_critical", persisted=True), comment="what lists sort by"
    )
    entry_count: Mapped[int] = mapped_column(Integer, default=0)
    worst_level: Mapped[str | None] = mapped_column(LEVEL_TYPE)
    worst_rank: Mapped[int] = mapped_column(
        SmallInteger, Computed(CODE_RANK_SQL.format(column="worst_level"), persisted=True)
    )
    score: Mapped[int | None] = mapped_column(SmallInteger)
    grade: Mapped[str | None] = mapped_column(code_text(4))
    score_rule: Mapped[int | None] = mapped_column(SmallInteger, comment="null: no score, or the first rule")
    cause_set_id: Mapped[int | None] = mapped_column(Integer, comment="null: not computed, or no result")
    findings_hash: Mapped[int | None] = mapped_column(
        BigInteger, comment="equal for runs that found the same from NOTICE up; of those that succeeded"
    )
    profile: Mapped[str] = mapped_column(default="")
    profile_id: Mapped[int | None] = mapped_column(ForeignKey("profiles.id", ondelete="SET NULL"))
    profile_name: Mapped[str] = mapped_column(default="")
    effective_profile_id: Mapped[int | None] = mapped_column(ForeignKey("effective_profiles.id"), index=True)
    policy: Mapped[str | None] = mapped_column(POLICY_NAME)
    policy_version: Mapped[str | None] = mapped_column(code_text(32))
    verdict: Mapped[str | None] = mapped_column(VERDICT_TYPE, comment="of the policy; null: no policy")
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)

    effective_profile: Mapped[EffectiveProfile | None] = relationship()
    # A lookup for each row that is read; conditions use batch_key.
    batch_id: Mapped[str | None] = column_property(
        select(Batch.id).where(Batch.key == batch_key).scalar_subquery(), expire_on_flush=False
    )

    @property
    def severity_totals(self) -> dict[str, int]:
        """Number of entries of each level at NOTICE and above."""
        return {
            "NOTICE": self.sev_notice,
            "WARNING": self.sev_warning,
            "ERROR": self.sev_error,
            "CRITICAL": self.sev_critical,
        }
