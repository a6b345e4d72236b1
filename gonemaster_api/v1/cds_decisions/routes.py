"""Routes of decisions about DS records: the feed, and one decision with its evidence."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.cds_decisions import read_decision, read_decisions, stream_decisions
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.fields import MAX_ID
from gonemaster_api.state import state
from gonemaster_api.v1.cds_decisions.schemas import CdsDecisionPageSchema, CdsDecisionQuerySchema, CdsEvidenceSchema
from gonemaster_api.web.streaming import stream

blueprint = Blueprint(
    "cds_decisions", __name__, url_prefix="/cds-decisions", description="Decisions about DS records (RFC 7344, 9615)"
)


@blueprint.route("")
class CdsDecisions(MethodView):
    """The feed of decisions, also available as CSV."""

    @blueprint.arguments(CdsDecisionQuerySchema, location="query")
    @blueprint.response(200, CdsDecisionPageSchema)
    @blueprint.alt_response(200, schema={"type": "string"}, content_type="text/csv", success=True)
    @blueprint.refuses(
        _400="invalid_cursor, invalid_limit, invalid_action, invalid_reason, invalid_domain, invalid_watch_id, "
        "invalid_format",
        _503="too_many_streams",
    )
    def get(self, query: dict[str, Any]) -> Any:
        """Read decisions after a cursor; `format=csv` returns all of them instead of a page.

        Store `next_cursor` with your own changes: each decision is then processed once.
        """
        shared = state()
        if query["format"] == "json":
            return read_decisions(shared, query)
        response = stream(shared, stream_decisions(shared, query), mimetype="text/csv")
        response.headers["Content-Disposition"] = "attachment; filename=cds-decisions.csv"
        return response


@blueprint.route(f"/<int(min=1, max={MAX_ID}):decision_id>")
class CdsDecisionById(MethodView):
    """One decision."""

    @blueprint.response(200, CdsEvidenceSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, decision_id: int) -> Any:
        """Show a decision with the observation that it follows from."""
        return read_decision(state(), decision_id)
