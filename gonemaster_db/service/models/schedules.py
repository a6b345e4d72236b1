"""Schedules: batches that are submitted repeatedly."""

import enum
from datetime import date
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ID_TYPE, JSON_TYPE, Base, RowId, UtcTime, code_text, enum_text
from gonemaster_db.core.states import Keep
from gonemaster_db.core.texts import Sentence
from gonemaster_db.domains.models.domains import TAG_TYPE
from gonemaster_db.domains.models.policies import POLICY_NAME


class ScheduleOutcome(enum.StrEnum):
    """The outcome of an occurrence. Values are stored and sent by the API: append, never change."""

    SUBMITTED = "submitted"
    SKIPPED_MISSED = "skipped_missed"  # more than an hour late, and `catch_up` is off
    SKIPPED_DISABLED = "skipped_disabled"  # the analysis of the cohort is off
    SKIPPED_ACTIVE = "skipped_active"  # the previous batch has unfinished jobs
    SKIPPED_EMPTY = "skipped_empty"  # the tag has no domains
    ERROR = "error"  # `last_error` says why


class Schedule(Base):
    """When the domains of a cohort, or of a tag without a cohort, are tested again."""

    __tablename__ = "schedules"
    __table_args__ = (CheckConstraint("(cohort_id IS NULL) <> (tag IS NULL)", name="one_target"),)

    id: Mapped[RowId] = mapped_column(primary_key=True)
    cohort_id: Mapped[int | None] = mapped_column(ForeignKey("cohorts.id", ondelete="CASCADE"), unique=True)
    tag: Mapped[str | None] = mapped_column(TAG_TYPE, ForeignKey("tags.name", ondelete="CASCADE"), unique=True)
    enabled: Mapped[bool] = mapped_column(Boolean)
    kind: Mapped[str] = mapped_column(code_text(16), comment="interval, weekly, monthly")
    interval_days: Mapped[int | None] = mapped_column(SmallInteger)
    anchor_date: Mapped[date | None] = mapped_column(Date)
    weekdays: Mapped[list[Any]] = mapped_column(JSON_TYPE, comment="mon ... sun")
    days_of_month: Mapped[list[Any]] = mapped_column(JSON_TYPE)
    last_day: Mapped[bool] = mapped_column(Boolean)
    time_of_day: Mapped[str] = mapped_column(String(5), comment="HH:MM in the time zone")
    timezone: Mapped[str] = mapped_column(code_text(64), comment="IANA name")
    profile_id: Mapped[int | None] = mapped_column(ForeignKey("profiles.id", ondelete="SET NULL"), index=True)
    policy: Mapped[str | None] = mapped_column(POLICY_NAME)
    keep: Mapped[Keep | None] = mapped_column(
        enum_text(Keep), comment="of the runs of its batches; null: that of the cohort, or of the server"
    )
    promote_default: Mapped[bool] = mapped_column(Boolean, comment="pin the snapshot of each batch")
    catch_up: Mapped[bool] = mapped_column(Boolean, comment="submit late what was missed, once")
    # Null while the schedule is disabled. The transaction that changes it decides the occurrence.
    next_run_at: Mapped[UtcTime | None] = mapped_column(index=True)
    last_run_at: Mapped[UtcTime | None]  # time of the last decision, with any outcome
    last_batch_id: Mapped[str | None] = mapped_column(
        ID_TYPE, ForeignKey("batches.id", ondelete="SET NULL"), index=True
    )
    last_outcome: Mapped[ScheduleOutcome | None] = mapped_column(enum_text(ScheduleOutcome))
    last_error: Mapped[str] = mapped_column(Sentence, default="")
    created_at: Mapped[UtcTime]
    updated_at: Mapped[UtcTime]  # by an operator
