"""The wall view: figures, finished tests per minute, issues and causes of the last hour, without any input."""

from flask import Blueprint, Response

from gonemaster_api.queries.causes import cause_title, cause_tone
from gonemaster_api.queries.health import read_issues
from gonemaster_api.queries.jobs.queue_screen import read_causes_of_last_hour, read_figures
from gonemaster_api.state import state
from gonemaster_api.ui.admin.queue.texts import issue_title
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.partial_cache import cached_partials
from gonemaster_api.ui.shell.strip import queue_status
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_engine.texts import Text

blueprint = Blueprint("ui_wall", __name__)

_CAUSES = 6
_WITHOUT_SCRIPT_S = 10


@blueprint.get("/wall")
@cached_partials
def show() -> Response:
    """Show the wall view."""
    shared, queue = state(), queue_status()
    if queue is None:
        raise StoreUnavailable(Text("the database does not answer"))
    causes = [
        (cause_title(cause, locale=language()), cause_tone(cause), count)
        for cause, count in read_causes_of_last_hour(shared)[:_CAUSES]
    ]
    return page(
        "admin/wall/page.html",
        queue=queue,
        hour=read_figures(shared),
        issues=read_issues(shared),
        causes=causes,
        issue_title=issue_title,
        every_s=_WITHOUT_SCRIPT_S,
    )
