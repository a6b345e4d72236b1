"""Schedules and previews of rules as documents."""

from collections.abc import Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.state import State
from gonemaster_db.analysis.cohorts import get_cohort
from gonemaster_db.domains.tags import require_tag
from gonemaster_db.models import Schedule
from gonemaster_db.service.schedules import (
    ListedSchedule,
    NewSchedule,
    ScheduleTarget,
    find_schedule,
    list_schedules,
)
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.control.schedules import rule_of
from gonemaster_tasks.errors import InvalidRule
from gonemaster_tasks.recurrence.occurrences import occurrences
from gonemaster_tasks.recurrence.summary import summarise

_PREVIEWED = 5
_SAME = (
    "enabled", "kind", "interval_days", "anchor_date", "weekdays", "days_of_month", "last_day", "time_of_day",
    "timezone", "profile_id", "policy", "keep", "promote_default", "catch_up", "next_run_at", "last_run_at",
    "last_batch_id", "last_outcome", "last_error", "created_at", "updated_at",
)  # fmt: skip


def read_schedules(state: State) -> list[dict[str, Any]]:
    """Return all schedules."""
    with state.store.read_only() as session:
        return [_document(listed) for listed in list_schedules(session)]


def read_schedule(state: State, target: ScheduleTarget) -> dict[str, Any]:
    """Return the schedule of a cohort or tag.

    Raises:
        CohortNotFound, TagNotFound: no such target.
        ApiError: no_schedule.
    """
    with state.store.read_only() as session:
        listed = find_schedule(session, target)
        if listed is not None:
            return _document(listed)
        if target.tag is not None:
            require_tag(session, target.tag)
        elif target.cohort_id is not None:
            get_cohort(session, target.cohort_id)
    raise ApiError(HTTPStatus.NOT_FOUND, "no_schedule", Text("it has no schedule"))


def preview_schedule(state: State, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a rule and its next five times.

    Raises:
        BadRequest: invalid_schedule.
    """
    try:
        rule = rule_of(NewSchedule(**body))
        return {
            "summary": summarise(rule),
            "next": list(islice(occurrences(rule, state.queue.clock.now()), _PREVIEWED)),
        }
    except InvalidRule as error:
        raise invalid_schedule(error) from error


def invalid_schedule(error: InvalidRule) -> BadRequest:
    """Return the error for an invalid rule."""
    return BadRequest("invalid_schedule", text_of(error), details={"field": error.field})


def _document(listed: ListedSchedule) -> dict[str, Any]:
    schedule = listed.schedule
    return {name: getattr(schedule, name) for name in _SAME} | {
        "cohort_id": schedule.cohort_id,
        "source_tag": listed.source_tag,
        "label": listed.cohort.label if listed.cohort else "",
        "summary": _summary(schedule),
    }


def _summary(schedule: Schedule) -> str:
    try:
        return summarise(rule_of(schedule))
    except InvalidRule:  # This host does not know the time zone; `last_error` reports it once the schedule is due.
        return ""
