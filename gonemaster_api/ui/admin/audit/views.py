"""The audit log, newest action first, with the data of `GET /audit`."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.audit import read_actions
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import state
from gonemaster_api.ui.shell.forms.forms import problem_of, read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.tables.csv_files import csv_file
from gonemaster_api.ui.shell.tables.days import DayOrInstant
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.v1.queue.schemas import AuditQuerySchema

# Action groups in the filter. The API matches them as prefixes.
GROUPS = {
    "queue.": mark("Queue"),
    "job.": mark("One job"),
    "jobs.": mark("Several jobs"),
    "batch.": mark("Batches"),
    "domain.": mark("One domain"),
    "domains.": mark("Several domains"),
    "tag.": mark("Tags"),
    "cohort.": mark("Cohorts"),
    "snapshot.": mark("Snapshots"),
    "schedule.": mark("Schedules"),
    "watch.": mark("Watches"),
    "profile.": mark("Profiles"),
    "scoring.": mark("Scoring"),
    "settings.": mark("Settings"),
    "token.": mark("Tokens"),
}

_MAX_CSV_ROWS = 10_000

blueprint = Blueprint("ui_audit", __name__)


@blueprint.get("/audit")
def show() -> Response:
    """Show the audit log: actor, action, object and time."""
    query = read_query(AuditPageSchema, limit=50)
    if request.args.get("format") == "csv":
        return _csv(query.values)
    try:
        actions = read_actions(state(), query.values)
    except ApiError as error:
        query.problems.append(problem_of(error))
        actions = page_document([], 0, slice_of(query.values))
    return page(
        "admin/audit/page.html",
        groups={group: gettext(label) for group, label in GROUPS.items()},
        status=query.status,
        query=query,
        actions=actions,
        one_line=one_line,
    )


class AuditPageSchema(AuditQuerySchema):
    """The filter of the page; a bound may be a day, and both days are included."""

    after = DayOrInstant()
    before = DayOrInstant(is_end=True)


def _csv(values: Mapping[str, Any]) -> Response:
    """Return the newest matching actions as CSV, at most 10,000."""
    found = read_actions(state(), {**values, "limit": _MAX_CSV_ROWS, "offset": 0, "cursor": None})
    fields = ("at", "who", "action", "target", "count")
    rows = ([*(getattr(action, name) for name in fields), one_line(action.details)] for action in found["items"])
    return csv_file("audit", (*fields, "details"), rows)


def one_line(details: Mapping[str, Any]) -> str:
    """Return the details of an action on one line."""
    return "; ".join(f"{name}: {_plain(value)}" for name, value in details.items() if value not in (None, "", [], {}))


def _plain(value: Any) -> str:
    """Return a value without the notation of a programming language."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, Mapping):
        return f"({one_line(value)})"
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)
