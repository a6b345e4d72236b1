"""The due times of a rule."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from gonemaster_engine.texts import Text
from gonemaster_tasks.errors import InvalidRule
from gonemaster_tasks.recurrence.rules import RecurrenceRule, RuleKind

_DAY = timedelta(days=1)
_SEARCHED_DAYS = 64
# The search begins this many days before the given instant: the local day may differ from the UTC day by one, and a
# time in a gap moves forward, by a whole day if a country skipped one.
_BEFORE = 2 * _DAY


def next_occurrence(rule: RecurrenceRule, after: datetime) -> datetime:
    """Return the first due time of a rule strictly after an instant, in UTC.

    A local time skipped by a clock change moves forward by the length of the gap; if a local time occurs twice, the
    first instant counts.

    Raises:
        InvalidRule: a weekly or monthly rule has no time within 64 days.
    """
    for day in _days_from(rule, after.astimezone(rule.zone).date() - _BEFORE):
        # With fold=0, a time in a gap has the offset before the change, so that the result lies after the gap.
        instant = datetime.combine(day, rule.time_of_day, tzinfo=rule.zone).astimezone(UTC)
        if instant > after:
            return instant
    raise InvalidRule("kind", Text("matches no time within {searched_days} days", searched_days=_SEARCHED_DAYS))


def occurrences(rule: RecurrenceRule, after: datetime) -> Iterator[datetime]:
    """Yield the due times of a rule strictly after an instant, in order; endless."""
    while True:
        after = next_occurrence(rule, after)
        yield after


def _days_from(rule: RecurrenceRule, first: date) -> Iterator[date]:
    if rule.kind is RuleKind.INTERVAL:
        return _every(rule.interval_days, rule.anchor_date, first)
    days = (first + number * _DAY for number in range(_SEARCHED_DAYS + _BEFORE.days + 1))
    return (day for day in days if _has_day(rule, day))


def _every(interval_days: int, anchor: date, first: date) -> Iterator[date]:
    """Yield the days of an interval from `first` on; none is before the anchor."""
    passed = -((anchor - first).days // interval_days)  # intervals from the anchor, rounded up
    day = anchor + max(0, passed) * interval_days * _DAY
    while True:
        yield day
        day += interval_days * _DAY


def _has_day(rule: RecurrenceRule, day: date) -> bool:
    if rule.kind is RuleKind.WEEKLY:
        return day.weekday() in rule.weekdays
    return day.day in rule.days_of_month or (rule.last_day and (day + _DAY).day == 1)
