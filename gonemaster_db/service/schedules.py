"""Schedules: one for each cohort and tag, and the decision about each occurrence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, delete, exists, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Cohort, Job, Keep, Schedule, ScheduleOutcome

_FRESH = {"populate_existing": True}
_NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class ScheduleTarget:
    """The target of a schedule: the domains of a cohort's tag or of a tag; exactly one is set."""

    cohort_id: int | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """The fields of a schedule that an operator sets, already validated."""

    enabled: bool
    kind: str
    interval_days: int | None
    anchor_date: date | None
    weekdays: Sequence[str]
    days_of_month: Sequence[int]
    last_day: bool
    time_of_day: str
    timezone: str
    profile_id: int | None
    promote_default: bool
    catch_up: bool
    policy: str | None = None
    keep: str | None = None


@dataclass(frozen=True, slots=True)
class ListedSchedule:
    """A schedule with its cohort; `cohort` is None for the schedule of a tag."""

    schedule: Schedule
    cohort: Cohort | None

    @property
    def source_tag(self) -> str:
        """The tag of the tested domains."""
        return self.cohort.source_tag if self.cohort else self.schedule.tag or ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A time at which a schedule is due; it is decided only once."""

    schedule_id: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of an occurrence and the next due time; without a next time the schedule is disabled."""

    outcome: ScheduleOutcome
    next_run_at: datetime | None
    error: str = ""
    batch_id: str | None = None


def list_schedules(session: Session) -> list[ListedSchedule]:
    """Return the schedules of cohorts by cohort ID, then those of tags by name."""
    query = _with_cohorts().order_by(Schedule.cohort_id.is_(None), Schedule.cohort_id, Schedule.tag)
    return [ListedSchedule(*row) for row in session.execute(query)]


def find_schedule(session: Session, target: ScheduleTarget) -> ListedSchedule | None:
    """Read the schedule of a target, or None."""
    row = session.execute(_with_cohorts().where(_of(target)), execution_options=_FRESH).one_or_none()
    return None if row is None else ListedSchedule(*row)


def lock_schedule(session: Session, target: ScheduleTarget) -> Schedule | None:
    """Read the schedule of a target and lock its row for an update; None if there is none."""
    query = select(Schedule).where(_of(target)).with_for_update()
    return session.scalar(query, execution_options=_FRESH)


def create_schedule(
    session: Session, target: ScheduleTarget, new: NewSchedule, *, next_run_at: datetime | None, now: datetime
) -> bool:
    """Store the first schedule of a target; return False if another transaction was first."""
    row = _values(new) | {
        "cohort_id": target.cohort_id,
        "tag": target.tag,
        "next_run_at": next_run_at,
        "last_error": "",
        "created_at": now,
        "updated_at": now,
    }
    inserted = insert(session, Schedule).values(row).on_conflict_do_nothing().returning(Schedule.id)
    return session.scalar(inserted) is not None


def change_schedule(
    session: Session, schedule: Schedule, new: NewSchedule, *, next_run_at: datetime | None, now: datetime
) -> None:
    """Replace the fields that an operator sets; past outcomes are kept. The row must be locked."""
    for name, value in _values(new).items():
        setattr(schedule, name, value)
    schedule.next_run_at = next_run_at
    schedule.updated_at = now
    session.flush()


def delete_schedule(session: Session, target: ScheduleTarget) -> bool:
    """Remove the schedule of a target; return False if there was none."""
    removed = delete(Schedule).where(_of(target)).returning(Schedule.id)
    return session.scalar(removed, execution_options=_NO_SYNC) is not None


def due_occurrences(session: Session, *, now: datetime) -> list[Occurrence]:
    """Return the due occurrences, oldest first."""
    due = select(Schedule.id, Schedule.next_run_at).where(Schedule.enabled, Schedule.next_run_at <= now)
    rows = session.execute(due.order_by(Schedule.next_run_at, Schedule.id))
    return [Occurrence(schedule_id, due_at) for schedule_id, due_at in rows if due_at is not None]


def overdue_schedules(session: Session, *, before: datetime, limit: int) -> list[ListedSchedule]:
    """Return the schedules that were due before a time, oldest first."""
    overdue = _with_cohorts().where(Schedule.enabled, Schedule.next_run_at < before)
    rows = session.execute(overdue.order_by(Schedule.next_run_at, Schedule.id).limit(limit))
    return [ListedSchedule(*row) for row in rows]


def failed_schedules(session: Session, *, limit: int) -> list[ListedSchedule]:
    """Return the schedules whose last occurrence failed and that were not changed since, newest first."""
    failed = _with_cohorts().where(
        Schedule.last_outcome == ScheduleOutcome.ERROR, Schedule.last_run_at >= Schedule.updated_at
    )
    rows = session.execute(failed.order_by(Schedule.last_run_at.desc(), Schedule.id).limit(limit))
    return [ListedSchedule(*row) for row in rows]


def lock_occurrence(session: Session, occurrence: Occurrence) -> ListedSchedule | None:
    """Lock the schedule of an occurrence; None if it was decided, changed or deleted, or if it is locked elsewhere."""
    query = _with_cohorts().where(*_still_due(occurrence)).with_for_update(of=Schedule, skip_locked=True)
    row = session.execute(query, execution_options=_FRESH).one_or_none()
    return None if row is None else ListedSchedule(*row)


def decide_occurrence(session: Session, occurrence: Occurrence, decision: Decision, *, now: datetime) -> bool:
    """Store the decision about an occurrence; return False, changing nothing, if it was decided before."""
    values = {
        "enabled": decision.next_run_at is not None,
        "next_run_at": decision.next_run_at,
        "last_run_at": now,
        "last_outcome": decision.outcome,
        "last_error": decision.error,
    }
    if decision.batch_id is not None:
        values["last_batch_id"] = decision.batch_id
    decided = update(Schedule).where(*_still_due(occurrence)).values(values).returning(Schedule.id)
    return session.scalar(decided, execution_options=_NO_SYNC) is not None


def has_active_batch(session: Session, schedule: Schedule) -> bool:
    """Return whether the last batch of a schedule has unfinished jobs."""
    if schedule.last_batch_id is None:
        return False
    return bool(session.scalar(select(exists().where(Job.batch_id == schedule.last_batch_id))))


def _with_cohorts() -> "Select[Schedule, Cohort | None]":
    return select(Schedule, Cohort).outerjoin(Cohort, Cohort.id == Schedule.cohort_id)


def _of(target: ScheduleTarget) -> ColumnElement[bool]:
    return Schedule.tag == target.tag if target.cohort_id is None else Schedule.cohort_id == target.cohort_id


def _still_due(occurrence: Occurrence) -> tuple[ColumnElement[bool], ...]:
    return Schedule.id == occurrence.schedule_id, Schedule.next_run_at == occurrence.due_at, Schedule.enabled.is_(True)


def _values(new: NewSchedule) -> dict[str, object]:
    return {
        "enabled": new.enabled,
        "kind": new.kind,
        "interval_days": new.interval_days,
        "anchor_date": new.anchor_date,
        "weekdays": list(new.weekdays),
        "days_of_month": list(new.days_of_month),
        "last_day": new.last_day,
        "time_of_day": new.time_of_day,
        "timezone": new.timezone,
        "profile_id": new.profile_id,
        "keep": None if new.keep is None else Keep(new.keep),
        "promote_default": new.promote_default,
        "catch_up": new.catch_up,
        "policy": new.policy,
    }
