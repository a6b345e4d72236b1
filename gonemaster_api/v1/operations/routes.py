"""Routes of operations: list, show."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.operations import read_operation, read_operations
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.v1.operations.schemas import OperationListQuerySchema, OperationPageSchema, OperationSchema

blueprint = Blueprint("operations", __name__, url_prefix="/operations", description="Background changes of many rows")


@blueprint.route("")
class Operations(MethodView):
    """List of operations."""

    @blueprint.arguments(OperationListQuerySchema, location="query")
    @blueprint.response(200, OperationPageSchema)
    @blueprint.refuses(_400="invalid_status, invalid_kind, invalid_limit, invalid_offset, invalid_cursor")
    def get(self, query: dict[str, Any]) -> Any:
        """List operations, newest first; finished operations are kept for 30 days."""
        return read_operations(state(), query)


@blueprint.route("/<operation_id>")
class OperationById(MethodView):
    """One operation."""

    @blueprint.response(200, OperationSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, operation_id: str) -> Any:
        """Show the progress of an operation."""
        return read_operation(state(), operation_id)
