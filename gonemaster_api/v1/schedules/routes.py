"""Routes of schedules of cohorts and tags: set, show, remove, preview."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.schedules import preview_schedule, read_schedule, read_schedules
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.fields import MAX_ID
from gonemaster_api.state import state
from gonemaster_api.use_cases.schedules import put_schedule, remove_schedule
from gonemaster_api.v1.schedules.schemas import ScheduleBodySchema, SchedulePreviewSchema, ScheduleSchema
from gonemaster_api.web.actor import who
from gonemaster_db.service.schedules import ScheduleTarget

blueprint = Blueprint("schedules", __name__, description="Recurring batches")

_WRONG_BODY = "invalid_schedule, invalid_profile_id, profile_not_found, policy_not_found, unknown_field, invalid_json"


@blueprint.route("/analysis/schedules")
class Schedules(MethodView):
    """List of schedules."""

    @blueprint.response(200, ScheduleSchema(many=True))
    def get(self) -> Any:
        """List all schedules: schedules of cohorts by id, then schedules of tags by name."""
        return read_schedules(state())


@blueprint.route("/analysis/schedules/preview")
class Preview(MethodView):
    """Preview of a schedule."""

    @blueprint.arguments(ScheduleBodySchema)
    @blueprint.response(200, SchedulePreviewSchema)
    @blueprint.refuses(_400="invalid_schedule, invalid_profile_id, unknown_field, invalid_json")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Describe a rule and list its next five times; nothing is stored."""
        return preview_schedule(state(), request_body)


@blueprint.route(f"/analysis/cohorts/<int(max={MAX_ID}):cohort_id>/schedule")
class CohortSchedule(MethodView):
    """The schedule of a cohort."""

    @blueprint.response(200, ScheduleSchema)
    @blueprint.refuses(_404="not_found, no_schedule")
    def get(self, cohort_id: int) -> Any:
        """Show the schedule of a cohort."""
        return read_schedule(state(), ScheduleTarget(cohort_id=cohort_id))

    @blueprint.arguments(ScheduleBodySchema)
    @blueprint.response(200, ScheduleSchema)
    @blueprint.refuses(_400=_WRONG_BODY, _404="not_found", _409="cohort_analysis_disabled, reference_gone")
    def put(self, request_body: dict[str, Any], cohort_id: int) -> Any:
        """Set the schedule of a cohort; its batches become snapshots."""
        target = ScheduleTarget(cohort_id=cohort_id)
        put_schedule(state(), target, request_body, who=who())
        return read_schedule(state(), target)

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found")
    def delete(self, cohort_id: int) -> None:
        """Remove the schedule of a cohort, if it has one."""
        remove_schedule(state(), ScheduleTarget(cohort_id=cohort_id), who=who())


@blueprint.route("/tags/<name>/schedule")
class TagSchedule(MethodView):
    """The schedule of a tag."""

    @blueprint.response(200, ScheduleSchema)
    @blueprint.refuses(_404="not_found, no_schedule")
    def get(self, name: str) -> Any:
        """Show the schedule of a tag."""
        return read_schedule(state(), ScheduleTarget(tag=name))

    @blueprint.arguments(ScheduleBodySchema)
    @blueprint.response(200, ScheduleSchema)
    @blueprint.refuses(_400=_WRONG_BODY, _404="not_found", _409="reference_gone")
    def put(self, request_body: dict[str, Any], name: str) -> Any:
        """Set the schedule of a tag; its batches do not become snapshots, so `promote_default` has no effect."""
        target = ScheduleTarget(tag=name)
        put_schedule(state(), target, request_body, who=who())
        return read_schedule(state(), target)

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found")
    def delete(self, name: str) -> None:
        """Remove the schedule of a tag, if it has one."""
        remove_schedule(state(), ScheduleTarget(tag=name), who=who())
