"""Routes of rehearsals of Registry System Testing: start, state and report."""

from typing import Any

from flask import Response
from flask.views import MethodView

from gonemaster_api.queries.jobs.rst_checks import read_check, read_checks, read_report
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.idempotency import answer_once
from gonemaster_api.state import state
from gonemaster_api.use_cases.submission.rst_checks import submit_check
from gonemaster_api.v1.rst_checks.schemas import (
    MEDIA_TYPES,
    NewRstCheckSchema,
    RstCheckListQuerySchema,
    RstCheckPageSchema,
    RstCheckSchema,
    RstReportQuerySchema,
    RstReportSchema,
)

blueprint = Blueprint(
    "rst_checks", __name__, url_prefix="/rst-checks", description="Rehearsals of ICANN's Registry System Testing"
)


@blueprint.route("")
class RstChecks(MethodView):
    """Start and list of rehearsals."""

    @blueprint.arguments(NewRstCheckSchema)
    @blueprint.response(201, RstCheckSchema)
    @blueprint.submits(invalid="missing_inputs, invalid_rst_inputs, private_undelegated_ip, testcase_excluded")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Queue a rehearsal: a single job for each TLD. Invalid inputs queue nothing."""
        shared = state()
        return answer_once(shared, RstCheckSchema, 201, lambda keep: submit_check(shared, request_body, keep=keep))

    @blueprint.arguments(RstCheckListQuerySchema, location="query")
    @blueprint.response(200, RstCheckPageSchema)
    @blueprint.refuses(_400="invalid_limit, invalid_offset")
    def get(self, query: dict[str, Any]) -> Any:
        """List rehearsals, newest first."""
        return read_checks(state(), limit=query["limit"], offset=query["offset"])


@blueprint.route("/<check_id>")
class RstCheckById(MethodView):
    """One rehearsal."""

    @blueprint.response(200, RstCheckSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, check_id: str) -> Any:
        """Show the state of a rehearsal and of the job of each TLD, and the result once all jobs have finished."""
        return read_check(state(), check_id)


@blueprint.route("/<check_id>/report")
class RstReportById(MethodView):
    """The report of a rehearsal."""

    @blueprint.arguments(RstReportQuerySchema, location="query")
    @blueprint.response(200, RstReportSchema)
    @blueprint.alt_response(200, schema={"type": "string"}, content_type="text/html", success=True)
    @blueprint.refuses(_400="invalid_format", _404="not_found", _409="not_finished")
    def get(self, query: dict[str, Any], check_id: str) -> Any:
        """Read the report with RST's codes as JSON, as a printable page (`format=html`) or as text."""
        report = read_report(state(), check_id, shape=query["format"], locale=query["locale"])
        if not isinstance(report, str):
            return report
        response = Response(report, mimetype=MEDIA_TYPES[query["format"]])
        response.headers["Content-Disposition"] = f"attachment; filename={check_id}.{query['format']}"
        return response
