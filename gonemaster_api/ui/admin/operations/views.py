"""The list of operations, and the page with the progress of one operation."""

from flask import Blueprint, Response

from gonemaster_api.queries.operations import read_operation, read_operations
from gonemaster_api.state import state
from gonemaster_api.ui.admin.operations.words import title_of
from gonemaster_api.ui.shell.forms.forms import read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes
from gonemaster_api.v1.operations.schemas import OperationListQuerySchema
from gonemaster_db.models import OperationStatus

blueprint = Blueprint("ui_operations", __name__, url_prefix="/operations")

_UNFINISHED = (OperationStatus.QUEUED, OperationStatus.RUNNING)

register_notes(
    {"operation": Note(mark("The operation continues in the background. You can leave this page."), level="notice")}
)


@blueprint.get("")
def show() -> Response:
    """List operations, newest first."""
    query = read_query(OperationListQuerySchema, limit="50")
    found = read_operations(state(), query.values)
    busy = any(operation.status in _UNFINISHED for operation in found["items"])
    values = {"query": query, "found": found, "title_of": title_of, "busy": busy}
    return page("admin/operations/list.html", status=query.status, **values)


@blueprint.get("/<operation_id>")
def detail(operation_id: str) -> Response:
    """Show an operation with its progress."""
    operation = read_operation(state(), operation_id)
    busy = operation.status in _UNFINISHED
    return page("admin/operations/detail.html", operation=operation, title=title_of(operation), busy=busy)
