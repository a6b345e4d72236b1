"""A recurrence rule, and the validation of its stored or submitted form."""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from zoneinfo import ZoneInfo

from gonemaster_engine.texts import Text
from gonemaster_tasks.errors import InvalidRule

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # The index equals date.weekday().
MAX_INTERVAL_DAYS = 365  # days
LAST_COMMON_DAY = 28  # The last day that every month has.
EARLIEST_ANCHOR, LATEST_ANCHOR = date(1970, 1, 1), date(2199, 12, 31)
MAX_ZONE_LENGTH = 64  # characters

_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
# Present in the time zone directory but not zones: the host's setting, and zones that count leap seconds.
_NO_ZONES = {"local", "localtime", "factory", "posixrules", "posix", "right"}


class RuleKind(enum.StrEnum):
    """How a rule selects its days. The values are stored and used in the API."""

    INTERVAL = "interval"  # every n days from an anchor
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, kw_only=True)
class RecurrenceRule:
    """Calendar days and a local time of day in whole minutes. Created by `make_rule`, which validates it."""

    kind: RuleKind
    time_of_day: time
    zone: ZoneInfo
    interval_days: int = 1
    anchor_date: date = EARLIEST_ANCHOR
    weekdays: tuple[int, ...] = ()  # 0 is Monday; ascending
    days_of_month: tuple[int, ...] = ()  # ascending
    last_day: bool = False


def make_rule(
    *,
    kind: str,
    time_of_day: str,
    timezone: str = "UTC",
    interval_days: int | None = None,
    anchor_date: date | None = None,
    weekdays: Sequence[str] = (),
    days_of_month: Sequence[int] = (),
    last_day: bool = False,
) -> RecurrenceRule:
    """Create a rule from its validated parts; parts that its kind does not use must be empty.

    Source: contract data-model.md section 7.

    Raises:
        InvalidRule: names the first invalid field.
    """
    chosen = _kind(kind)
    _refuse_unused(
        chosen,
        {
            "interval_days": (RuleKind.INTERVAL, interval_days),
            "anchor_date": (RuleKind.INTERVAL, anchor_date),
            "weekdays": (RuleKind.WEEKLY, weekdays),
            "days_of_month": (RuleKind.MONTHLY, days_of_month),
            "last_day": (RuleKind.MONTHLY, last_day),
        },
    )
    at, zone = _time(time_of_day), _zone(timezone)
    if chosen is RuleKind.INTERVAL:
        days, anchor = _interval(interval_days), _anchor(anchor_date)
        return RecurrenceRule(kind=chosen, time_of_day=at, zone=zone, interval_days=days, anchor_date=anchor)
    if chosen is RuleKind.WEEKLY:
        return RecurrenceRule(kind=chosen, time_of_day=at, zone=zone, weekdays=_weekdays(weekdays))
    of_month = _days(days_of_month, last_day=last_day)
    return RecurrenceRule(kind=chosen, time_of_day=at, zone=zone, days_of_month=of_month, last_day=last_day)


def _kind(text: str) -> RuleKind:
    try:
        return RuleKind(text)
    except ValueError as error:
        raise InvalidRule("kind", Text("must be one of {allowed}", allowed=", ".join(RuleKind))) from error


def _refuse_unused(kind: RuleKind, parts: dict[str, tuple[RuleKind, object]]) -> None:
    for name, (owner, value) in parts.items():
        if owner is not kind and value:
            raise InvalidRule(name, Text("is allowed only if kind is {owner}, not {kind}", owner=owner, kind=kind))


def _time(text: str) -> time:
    if not _TIME.fullmatch(text):
        raise InvalidRule("time_of_day", Text("must be a time HH:MM from 00:00 to 23:59"))
    return time.fromisoformat(text)


def _zone(name: str) -> ZoneInfo:
    can_be_one = (
        name.partition("/")[0].lower() not in _NO_ZONES and len(name) <= MAX_ZONE_LENGTH and _ZONE.fullmatch(name)
    )
    try:
        if can_be_one:
            return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # No such file, a file that is not a time zone, or a directory.
        pass
    raise InvalidRule("timezone", Text("must be the name of an IANA time zone, such as Europe/Stockholm or UTC"))


def _interval(days: int | None) -> int:
    if days is None or not 1 <= days <= MAX_INTERVAL_DAYS:
        raise InvalidRule(
            "interval_days",
            Text("must be a number of days from 1 to {longest_interval}", longest_interval=MAX_INTERVAL_DAYS),
        )
    return days


def _anchor(day: date | None) -> date:
    if day is None or not EARLIEST_ANCHOR <= day <= LATEST_ANCHOR:
        raise InvalidRule(
            "anchor_date",
            Text(
                "must be a date from {earliest_anchor} to {latest_anchor}",
                earliest_anchor=EARLIEST_ANCHOR,
                latest_anchor=LATEST_ANCHOR,
            ),
        )
    return day


def _weekdays(names: Sequence[str]) -> tuple[int, ...]:
    if not names or not set(names) <= set(WEEKDAYS):
        raise InvalidRule("weekdays", Text("must be at least one of {allowed}", allowed=", ".join(WEEKDAYS)))
    return tuple(sorted({WEEKDAYS.index(name) for name in names}))


def _days(days: Sequence[int], *, last_day: bool) -> tuple[int, ...]:
    if not all(1 <= day <= LAST_COMMON_DAY for day in days):
        raise InvalidRule(
            "days_of_month",
            Text(
                "must be days from 1 to {last_common_day}; use last_day for the end of a month",
                last_common_day=LAST_COMMON_DAY,
            ),
        )
    if not days and not last_day:
        raise InvalidRule("days_of_month", Text("must have at least one day, or last_day must be true"))
    return tuple(sorted(set(days)))
