"""Descriptions of schedule rules in the language of the request."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from babel.dates import format_date, get_day_names
from babel.lists import format_list

from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import locale, ngettext
from gonemaster_tasks.recurrence.rules import WEEKDAYS, RuleKind


def sentence(schedule: Mapping[str, Any]) -> str:
    """Return a sentence such as `Every week on Monday and Thursday at 06:30, Europe/Stockholm`.

    `schedule` is an API document or the content of the editor's form; its rule must be valid.
    """
    at = {"time": schedule["time_of_day"], "zone": schedule["timezone"]}
    if schedule["kind"] == RuleKind.INTERVAL:
        day = format_date(_date(schedule["anchor_date"]), "d MMM y", locale=locale())
        return ngettext(
            "Every day from %(day)s at %(time)s, %(zone)s",
            "Every %(num)s days from %(day)s at %(time)s, %(zone)s",
            int(schedule["interval_days"]),
            day=day,
            **at,
        )
    if schedule["kind"] == RuleKind.WEEKLY:
        return _("Every week on %(days)s at %(time)s, %(zone)s", days=_weekdays(schedule["weekdays"]), **at)
    return _("Every month on %(days)s at %(time)s, %(zone)s", days=_days_of_month(schedule), **at)


def weekday_names() -> dict[str, str]:
    """Return the names of weekdays by their API names, Monday first."""
    names = get_day_names("wide", "stand-alone", locale=locale())
    return {word: names[number] for number, word in enumerate(WEEKDAYS)}


def _weekdays(words: Sequence[str]) -> str:
    names = get_day_names("wide", "format", locale=locale())
    return _listed([names[number] for number in sorted(WEEKDAYS.index(word) for word in words)])


def _days_of_month(schedule: Mapping[str, Any]) -> str:
    days = [str(day) for day in sorted(set(schedule["days_of_month"]))]
    words = [_("day %(day)s", day=_listed(days))] if len(days) == 1 else []
    words = words or ([_("days %(days)s", days=_listed(days))] if days else [])
    return _listed([*words, *([_("the last day")] if schedule["last_day"] else [])])


def _listed(words: Sequence[str]) -> str:
    return format_list(words, locale=locale())


def _date(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
