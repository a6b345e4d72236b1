"""Changes of schedules, each with its audit record."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest, Conflict
from gonemaster_api.queries.policies.documents import chosen_policy
from gonemaster_api.queries.schedules import invalid_schedule
from gonemaster_api.state import State
from gonemaster_db.analysis.cohorts import get_cohort
from gonemaster_db.core.errors import ProfileNotFound
from gonemaster_db.domains.profiles import get_profile
from gonemaster_db.domains.tags import require_tag
from gonemaster_db.service.audit import record_action
from gonemaster_db.service.schedules import NewSchedule, ScheduleTarget, delete_schedule
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.schedules import rule_of, set_schedule
from gonemaster_tasks.errors import InvalidRule
from gonemaster_tasks.recurrence.summary import summarise


def put_schedule(state: State, target: ScheduleTarget, body: Mapping[str, Any], *, who: str) -> None:
    """Create or replace the schedule of a cohort or tag.

    Raises:
        BadRequest: invalid_schedule, profile_not_found, policy_not_found.
        Conflict: cohort_analysis_disabled.
        CohortNotFound, TagNotFound: no such target.
    """
    now, new = state.queue.clock.now(), NewSchedule(**body)

    def change(session: Session) -> None:
        tag = _check_target(session, target)
        if new.profile_id is not None:
            get_profile(session, new.profile_id)
        if new.policy is not None:
            chosen_policy(session, new.policy)
        set_schedule(session, target, new, now=now)
        details = {"cohort_id": target.cohort_id, "rule": summarise(rule_of(new)), "enabled": new.enabled}
        record_action(session, "schedule.set", who=who, now=now, target=tag, details=details)

    try:
        state.store.run_in_transaction(change)
    except InvalidRule as error:
        raise invalid_schedule(error) from error
    except ProfileNotFound as error:
        raise BadRequest(
            "profile_not_found", Text("no such profile: {profile_id}", profile_id=new.profile_id)
        ) from error


def remove_schedule(state: State, target: ScheduleTarget, *, who: str) -> None:
    """Remove the schedule of a cohort or tag if there is one. Raises CohortNotFound, TagNotFound."""
    now = state.queue.clock.now()

    def remove(session: Session) -> None:
        tag = _tag_of(session, target)
        if delete_schedule(session, target):
            details = {"cohort_id": target.cohort_id}
            record_action(session, "schedule.delete", who=who, now=now, target=tag, details=details)

    state.store.run_in_transaction(remove)


def _check_target(session: Session, target: ScheduleTarget) -> str:
    if target.cohort_id is not None and not get_cohort(session, target.cohort_id).analysis_enabled:
        raise Conflict(
            "cohort_analysis_disabled", Text("analysis of the cohort is disabled, so its batches would not be shown")
        )
    return _tag_of(session, target)


def _tag_of(session: Session, target: ScheduleTarget) -> str:
    """Return the tag of a target. Raises CohortNotFound, TagNotFound."""
    if target.cohort_id is not None:
        return get_cohort(session, target.cohort_id).source_tag
    name = target.tag or ""
    require_tag(session, name)
    return name
