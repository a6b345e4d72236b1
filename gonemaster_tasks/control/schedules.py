"""Schedules as operators set them: a rule and the next due time."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import StoreConflict
from gonemaster_db.models import Schedule
from gonemaster_db.service.schedules import (
    NewSchedule,
    ScheduleTarget,
    change_schedule,
    create_schedule,
    lock_schedule,
)
from gonemaster_tasks.recurrence.occurrences import next_occurrence
from gonemaster_tasks.recurrence.rules import WEEKDAYS, RecurrenceRule, RuleKind, make_rule


def rule_of(schedule: Schedule | NewSchedule) -> RecurrenceRule:
    """Parse the rule of a schedule.

    Raises:
        InvalidRule: the rule is invalid; a stored rule is invalid only if this host lacks its time zone.
    """
    return make_rule(
        kind=schedule.kind,
        time_of_day=schedule.time_of_day,
        timezone=schedule.timezone,
        interval_days=schedule.interval_days,
        anchor_date=schedule.anchor_date,
        weekdays=schedule.weekdays,
        days_of_month=schedule.days_of_month,
        last_day=schedule.last_day,
    )


def set_schedule(session: Session, target: ScheduleTarget, new: NewSchedule, *, now: datetime) -> None:
    """Create or replace the schedule of a target.

    Raises:
        InvalidRule: the rule is invalid.
        StoreConflict: another transaction is creating the same schedule; retry.
    """
    rule = rule_of(new)
    new = _normal(new, rule)
    next_run_at = next_occurrence(rule, now) if new.enabled else None
    old = lock_schedule(session, target)
    if old is None:
        if not create_schedule(session, target, new, next_run_at=next_run_at, now=now):
            raise StoreConflict("the schedule is being created by another transaction")
        return
    if new.enabled and old.next_run_at is not None and _has_rule(old, rule):
        # The schedule may be due right now, and changing the profile must not skip that run.
        next_run_at = old.next_run_at
    change_schedule(session, old, new, next_run_at=next_run_at, now=now)


def _normal(new: NewSchedule, rule: RecurrenceRule) -> NewSchedule:
    """Return the schedule with its days sorted and unique, and without fields that its kind does not use."""
    is_interval = rule.kind is RuleKind.INTERVAL
    return replace(
        new,
        interval_days=rule.interval_days if is_interval else None,
        anchor_date=rule.anchor_date if is_interval else None,
        weekdays=[WEEKDAYS[day] for day in rule.weekdays],
        days_of_month=rule.days_of_month,
    )


def _has_rule(schedule: Schedule, rule: RecurrenceRule) -> bool:
    return (rule.kind, rule.zone.key) == (schedule.kind, schedule.timezone) and rule_of(schedule) == rule
