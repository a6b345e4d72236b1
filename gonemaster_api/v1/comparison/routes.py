"""Comparison of two batches."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.batches.comparison import read_batch_diff
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.v1.comparison.schemas import BatchDiffQuerySchema, BatchDiffSchema

blueprint = Blueprint("comparison", __name__, url_prefix="/batches", description="Differences between two batches")


@blueprint.route("/<batch_id>/diff/<other_id>")
class BatchDiff(MethodView):
    """Differences between two batches."""

    @blueprint.arguments(BatchDiffQuerySchema, location="query")
    @blueprint.response(200, BatchDiffSchema)
    @blueprint.refuses(
        _400="invalid_min_level, invalid_args, invalid_kind, invalid_limit, invalid_after", _404="not_found"
    )
    def get(self, query: dict[str, Any], batch_id: str, other_id: str) -> Any:
        """List by domain the findings that were added, cleared or changed in the second batch."""
        return read_batch_diff(state(), batch_id, other_id, query)
