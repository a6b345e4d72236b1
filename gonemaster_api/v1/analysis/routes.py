"""Analysis: cohorts and the state of the analysis."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.cohorts import cohort_document, read_analysis_status, read_cohort, read_cohorts
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.use_cases.cohorts import make_cohort, patch_cohort
from gonemaster_api.v1.analysis.schemas import (
    MAX_COHORT_ID,
    AnalysisStatusSchema,
    CohortChangeSchema,
    CohortDetailSchema,
    CohortSchema,
    NewCohortSchema,
)
from gonemaster_api.web.actor import who

blueprint = Blueprint("analysis", __name__, url_prefix="/analysis", description="Populations of domains over time")

_BY_ID = f"/cohorts/<int(max={MAX_COHORT_ID}):cohort_id>"


@blueprint.route("/status")
class Status(MethodView):
    """State of the analysis."""

    @blueprint.response(200, AnalysisStatusSchema)
    def get(self) -> Any:
        """Report whether the analysis works, and how old the data from elsewhere are."""
        return read_analysis_status(state())


@blueprint.route("/cohorts")
class Cohorts(MethodView):
    """List and creation of cohorts."""

    @blueprint.response(200, CohortSchema(many=True))
    def get(self) -> Any:
        """List all cohorts by sort_order and tag."""
        return read_cohorts(state())

    @blueprint.arguments(NewCohortSchema)
    @blueprint.response(202, CohortSchema)
    @blueprint.refuses(
        _400="unsupported_source_type, missing_source_tag, invalid_catalog, invalid_tag_view_min_level, ...",
        _409="cohort_exists",
    )
    def post(self, request_body: dict[str, Any]) -> Any:
        """Create the cohort of a tag; the tag is created if there is none.

        With `analysis_enabled` the runs of batches with snapshot intent are projected in the background.
        """
        return cohort_document(make_cohort(state(), request_body, who=who()))


@blueprint.route(_BY_ID)
class CohortById(MethodView):
    """One cohort."""

    @blueprint.response(200, CohortDetailSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, cohort_id: int) -> Any:
        """Show a cohort and how its members differ from its reference list, if it has one."""
        return read_cohort(state(), cohort_id)

    @blueprint.arguments(CohortChangeSchema)
    @blueprint.response(200, CohortSchema)
    @blueprint.refuses(
        _400="invalid_catalog, invalid_tag_view_min_level, invalid_reference_list, ...", _404="not_found"
    )
    def patch(self, request_body: dict[str, Any], cohort_id: int) -> Any:
        """Change a cohort; its tag cannot be changed."""
        return cohort_document(patch_cohort(state(), cohort_id, request_body, who=who()))
