"""Stored schedules, prepared for pages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.schedules import preview_schedule, read_schedule
from gonemaster_api.state import state
from gonemaster_api.ui.admin.schedules.words import sentence
from gonemaster_db.service.schedules import ScheduleTarget

RULE = (
    "enabled", "kind", "interval_days", "anchor_date", "weekdays", "days_of_month", "last_day", "time_of_day",
    "timezone", "profile_id", "promote_default", "catch_up",
)  # fmt: skip


def schedule_of(target: ScheduleTarget) -> dict[str, Any] | None:
    """Return the schedule of a cohort or tag, None if it has no schedule."""
    try:
        return read_schedule(state(), target)
    except ApiError:
        return None


def rule_in_words(schedule: Mapping[str, Any]) -> str:
    """Return the rule as a sentence, empty if this host does not know the time zone."""
    return sentence(schedule) if schedule["summary"] else ""


def next_times(schedule: Mapping[str, Any]) -> list[datetime]:
    """Return the next five run times; the list is empty if the schedule is disabled."""
    if not schedule["enabled"] or not schedule["summary"]:
        return []
    times: list[datetime] = preview_schedule(state(), {name: schedule[name] for name in RULE})["next"]
    return times
