"""Recurrence rules against known clocks, and against dateutil's rules with another conversion from local time.

GONEMASTER_RULES=1000 tries a thousand rules with new seeds, GONEMASTER_RULE_SEED=7 repeats the seed of a failure.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from random import Random
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil import rrule

from gonemaster_tasks.errors import InvalidRule
from gonemaster_tasks.recurrence.occurrences import next_occurrence, occurrences
from gonemaster_tasks.recurrence.rules import WEEKDAYS, RecurrenceRule, make_rule
from gonemaster_tasks.recurrence.summary import summarise

DAILY = {"kind": "interval", "interval_days": 1, "anchor_date": date(2020, 1, 1)}
WEEKLY = {"kind": "weekly", "weekdays": ["mon"]}
MONTHLY = {"kind": "monthly", "days_of_month": [1]}
FIXED, NEW = 40, 10 + int(os.environ.get("GONEMASTER_RULES", "0"))
ZONES = sorted(zone for zone in available_timezones() if zone.lower() not in {"localtime", "factory"})
RULES_OF_DATEUTIL = {"interval": rrule.DAILY, "weekly": rrule.WEEKLY, "monthly": rrule.MONTHLY}


def make(base: dict[str, Any], **parts: Any) -> RecurrenceRule:
    return make_rule(**{"time_of_day": "06:30", **base, **parts})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def after(rule: RecurrenceRule, start: str, count: int = 1) -> list[str]:
    return [instant.strftime("%Y-%m-%dT%H:%M") for instant in islice(occurrences(rule, utc(start)), count)]


# Zone, rule, start, next times, all of them in UTC: the actual clock changes there.
CLOCKS = [
    # The hour from 02:00 is skipped on March 8th and occurs twice on November 1st.
    ("America/New_York", "02:30", "2026-03-07T12:00", ["2026-03-08T07:30", "2026-03-09T06:30"]),
    ("America/New_York", "01:30", "2026-10-31T12:00", ["2026-11-01T05:30", "2026-11-02T06:30"]),
    ("Europe/Stockholm", "02:00", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00"]),
    ("Europe/Stockholm", "02:59", "2026-10-24T12:00", ["2026-10-25T00:59", "2026-10-26T01:59"]),
    # The clock changes by half an hour.
    ("Australia/Lord_Howe", "02:15", "2026-10-03T00:00", ["2026-10-03T15:45", "2026-10-04T15:15"]),
    # The clock changes by two hours.
    ("Antarctica/Troll", "01:30", "2026-03-28T12:00", ["2026-03-29T01:30", "2026-03-29T23:30"]),
    # The clock changes at midnight: the day starts at 01:00.
    ("America/Santiago", "00:00", "2026-09-05T12:00", ["2026-09-06T04:00", "2026-09-07T03:00"]),
    # Winter time is the exception there, at minus one hour.
    ("Europe/Dublin", "01:30", "2026-03-28T12:00", ["2026-03-29T01:30", "2026-03-30T00:30"]),
    # The 30th of December 2011 was skipped, so it coincides with the 31st.
    ("Pacific/Apia", "10:00", "2011-12-29T00:00", ["2011-12-29T20:00", "2011-12-30T20:00", "2011-12-31T20:00"]),
    ("Asia/Kathmandu", "00:00", "2026-01-01T00:00", ["2026-01-01T18:15"]),
    ("UTC", "00:00", "2026-02-28T00:00", ["2026-03-01T00:00"]),
]


@pytest.mark.parametrize(("zone", "at", "start", "times"), CLOCKS)
def test_changes_of_the_clock(zone: str, at: str, start: str, times: list[str]) -> None:
    assert after(make(DAILY, timezone=zone, time_of_day=at, anchor_date=date(2010, 1, 1)), start, len(times)) == times


# Rule, start, next times in UTC.
CALENDAR = [
    (make(DAILY, interval_days=10, anchor_date=date(2026, 1, 5)), "2025-01-01T00:00", ["2026-01-05", "2026-01-15"]),
    (make(DAILY, interval_days=10, anchor_date=date(2026, 1, 5)), "2026-01-15T06:29", ["2026-01-15", "2026-01-25"]),
    (make(DAILY, interval_days=10, anchor_date=date(2026, 1, 5)), "2026-01-15T06:30", ["2026-01-25", "2026-02-04"]),
    (make(DAILY, interval_days=365, anchor_date=date(1970, 1, 1)), "2199-12-30T00:00", ["2200-11-06"]),
    (make(DAILY, interval_days=365, anchor_date=date(2199, 12, 31)), "2026-01-01T00:00", ["2199-12-31"]),
    (make(WEEKLY, weekdays=["thu", "mon", "thu"]), "2026-11-26T06:30", ["2026-11-30", "2026-12-03", "2026-12-07"]),
    (make(WEEKLY, weekdays=["sun"]), "2026-12-30T00:00", ["2027-01-03"]),
    (make(MONTHLY, days_of_month=[28, 1]), "2026-02-01T06:30", ["2026-02-28", "2026-03-01", "2026-03-28"]),
    (make(MONTHLY, days_of_month=[28], last_day=True), "2026-02-01T00:00", ["2026-02-28", "2026-03-28", "2026-03-31"]),
    (make(MONTHLY, days_of_month=[], last_day=True), "2028-02-01T00:00", ["2028-02-29", "2028-03-31", "2028-04-30"]),
]


@pytest.mark.parametrize(("rule", "start", "days"), CALENDAR, ids=lambda value: str(value)[:40])
def test_days_of_the_calendar(rule: RecurrenceRule, start: str, days: list[str]) -> None:
    assert after(rule, start, len(days)) == [f"{day}T06:30" for day in days]


# Wrong fields over a valid rule, and the field that the error names.
WRONG = [
    (DAILY, {"kind": "yearly"}, "kind"),
    (DAILY, {"kind": ""}, "kind"),
    (DAILY, {"interval_days": None}, "interval_days"),
    (DAILY, {"interval_days": 0}, "interval_days"),
    (DAILY, {"interval_days": 366}, "interval_days"),
    (DAILY, {"anchor_date": None}, "anchor_date"),
    (DAILY, {"anchor_date": date(1969, 12, 31)}, "anchor_date"),
    (DAILY, {"anchor_date": date(2200, 1, 1)}, "anchor_date"),
    (DAILY, {"weekdays": ["mon"]}, "weekdays"),
    (WEEKLY, {"weekdays": []}, "weekdays"),
    (WEEKLY, {"weekdays": ["mon", "Tue"]}, "weekdays"),
    (WEEKLY, {"interval_days": 3}, "interval_days"),
    (WEEKLY, {"anchor_date": date(2026, 1, 1)}, "anchor_date"),
    (WEEKLY, {"last_day": True}, "last_day"),
    (MONTHLY, {"days_of_month": []}, "days_of_month"),
    (MONTHLY, {"days_of_month": [0]}, "days_of_month"),
    (MONTHLY, {"days_of_month": [29], "last_day": True}, "days_of_month"),
    (MONTHLY, {"weekdays": ["mon"]}, "weekdays"),
    *(
        (WEEKLY, {"time_of_day": text}, "time_of_day")
        for text in ("", "24:00", "6:30", "06:60", "06:30:00", "06.30", "\u0660\u0666:\u0663\u0660")
    ),
    *(
        (WEEKLY, {"timezone": name}, "timezone")
        for name in (
            "", "Local", "local", "localtime", "Factory", "Europe", "Europe/Atlantis", "/etc/localtime", "../UTC",
            "UTC ", "right/UTC", "posix/UTC", "posixrules", "leapseconds", "zone.tab", "tzdata.zi", "Europe//Stockholm",
            "UTC+2", "+02:00", "U\0C", "Z" * 300, "Ÿ", "Europe/Stockholm/" * 3,
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("base", "parts", "field"), WRONG)
def test_a_wrong_part_is_named(base: dict[str, Any], parts: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRule) as refused:
        make(base, **parts)
    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field} ")


def test_empty_parts_of_other_kinds_do_no_harm() -> None:
    nothing: dict[str, Any] = {
        "interval_days": 0,
        "anchor_date": None,
        "weekdays": [],
        "days_of_month": [],
        "last_day": False,
    }
    assert make(nothing | WEEKLY) == make(WEEKLY)


SUMMARIES = [
    (make(DAILY), "Every day from 2020-01-01, 06:30 UTC"),
    (make(DAILY, interval_days=7), "Every 7 days from 2020-01-01, 06:30 UTC"),
    (make(WEEKLY, timezone="Europe/Stockholm"), "Weekly, Monday, 06:30 Europe/Stockholm"),
    (make(WEEKLY, weekdays=["thu", "mon"]), "Weekly, Monday and Thursday, 06:30 UTC"),
    (make(WEEKLY, weekdays=["sun", "mon", "wed"]), "Weekly, Monday, Wednesday and Sunday, 06:30 UTC"),
    (make(MONTHLY, time_of_day="00:05"), "Monthly, day 1, 00:05 UTC"),
    (make(MONTHLY, days_of_month=[15, 1], last_day=True), "Monthly, days 1, 15 and the last day, 06:30 UTC"),
    (make(MONTHLY, days_of_month=[], last_day=True), "Monthly, the last day, 06:30 UTC"),
]


@pytest.mark.parametrize(("rule", "text"), SUMMARIES, ids=lambda value: str(value)[:40])
def test_summary(rule: RecurrenceRule, text: str) -> None:
    assert summarise(rule) == text


def test_every_zone_of_the_database_is_accepted() -> None:
    noon = utc("2026-06-26T12:00")
    for zone in ZONES:
        assert next_occurrence(make(DAILY, timezone=zone), noon) - noon <= timedelta(days=1), zone


# The second implementation.


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Find the instant of a local time using only the conversion from instants to local times."""
    around = (local.replace(tzinfo=UTC) + timedelta(hours=hours) for hours in range(-36, 37, 6))
    offsets = sorted({moment.astimezone(zone).utcoffset() or timedelta() for moment in around})
    candidates = [(local - offset).replace(tzinfo=UTC) for offset in offsets]
    exact = [moment for moment in candidates if moment.astimezone(zone).replace(tzinfo=None) == local]
    return min(exact or candidates[:1])  # in a gap the smaller offset, which is the earlier one


def days_of_dateutil(parts: dict[str, Any], first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield the local times of a rule."""
    moment = time.fromisoformat(parts["time_of_day"])
    begin = parts["anchor_date"] or first.date()
    expected = rrule.rrule(
        RULES_OF_DATEUTIL[parts["kind"]],
        dtstart=datetime.combine(begin, moment),
        interval=parts["interval_days"] or 1,
        byweekday=[WEEKDAYS.index(day) for day in parts["weekdays"]] or None,
        bymonthday=[*parts["days_of_month"], *([-1] if parts["last_day"] else [])] or None,
    )
    yield from expected.between(first, last, inc=True)


def random_parts(random: Random) -> dict[str, Any]:
    """Return parts of a rule whose times are often those of clock changes."""
    kind = random.choice(["interval", "weekly", "monthly"])
    days = random.sample(range(1, 29), random.randrange(4)) if kind == "monthly" else []
    hour = random.choice([0, 1, 2, 3, 23, random.randrange(24)])
    return {
        "kind": kind,
        "time_of_day": f"{hour:02}:{random.choice([0, 15, 30, 59, random.randrange(60)]):02}",
        "timezone": random.choice(ZONES),
        "interval_days": random.choice([1, 1, 2, 7, random.randint(1, 365)]) if kind == "interval" else None,
        "anchor_date": date(1970, 1, 1) + timedelta(random.randrange(24_000)) if kind == "interval" else None,
        "weekdays": random.sample(WEEKDAYS, random.randint(1, 7)) if kind == "weekly" else [],
        "days_of_month": days,
        "last_day": kind == "monthly" and (not days or random.random() < 0.5),
    }


@pytest.mark.parametrize("number", range(FIXED + NEW))
def test_rules_agree_with_dateutil(number: int) -> None:
    chosen = os.environ.get("GONEMASTER_RULE_SEED")
    seed = int(chosen) if chosen else number if number < FIXED else secrets.randbelow(2**32)
    random = Random(seed)
    parts = random_parts(random)
    start = utc("1972-01-01T00:00") + timedelta(minutes=random.randrange(90 * 365 * 1440))
    end = start + timedelta(days=400)
    zone = ZoneInfo(parts["timezone"])
    naive = [(moment + timedelta(days=days)).replace(tzinfo=None) for moment, days in ((start, -4), (end, 4))]
    instants = sorted({instant_of(local, zone) for local in days_of_dateutil(parts, *naive)})
    expected = [instant for instant in instants if start < instant <= end]
    found = list(islice(occurrences(make_rule(**parts), start), len(expected) + 1))
    assert found[:-1] == expected, f"GONEMASTER_RULE_SEED={seed}: {parts} from {start}"
    assert found[-1] > end
    for instant in expected[:3]:  # strictly after, and inclusive
        assert next_occurrence(make_rule(**parts), instant - timedelta(microseconds=1)) == instant
        assert next_occurrence(make_rule(**parts), instant) > instant
