"""The audit log, newest action first, with the data of `GET /audit`."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.audit import read_actions
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import state
from gonemaster_api.ui.shell.forms.forms import problem_of, read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.v1.queue.schemas import AuditQuerySchema

# Action groups in the filter. The API matches them as prefixes.
GROUPS = (
    "queue.",
    "job.",
    "jobs.",
    "batch.",
    "domain.",
    "domains.",
    "tag.",
    "profile.",
    "scoring.",
    "settings.",
    "token.",
)

blueprint = Blueprint("ui_audit", __name__)


@blueprint.get("/audit")
def show() -> Response:
    """Show the audit log: actor, action, object and time."""
    query = read_query(AuditQuerySchema, limit=50)
    try:
        actions = read_actions(state(), query.values)
    except ApiError as error:
        query.problems.append(problem_of(error))
        actions = page_document([], 0, slice_of(query.values))
    return page(
        "admin/audit/page.html", status=query.status, query=query, actions=actions, groups=GROUPS, one_line=one_line
    )


def one_line(details: Mapping[str, Any]) -> str:
    """Return the details of an action on one line, with all values unchanged."""
    return ", ".join(f"{name}: {value}" for name, value in details.items() if value not in (None, "", [], {}))
