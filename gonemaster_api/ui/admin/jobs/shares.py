"""Links that share the result of a job: list, create and revoke."""

from http import HTTPStatus

from flask import Blueprint, Response, url_for

from gonemaster_api.errors import BadRequest, Conflict
from gonemaster_api.queries.runs.runs import read_run
from gonemaster_api.queries.runs.shares import read_shares
from gonemaster_api.state import state
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark, ngettext
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.urls import absolute
from gonemaster_api.use_cases.shares import create_share, remove_share
from gonemaster_api.web.actor import who

blueprint = Blueprint("ui_shares", __name__, url_prefix="/jobs/<job_id>/shares")
_DAYS = (1, 7, 30, 90, 365)

register_notes({"share_revoked": Note(mark("Link revoked. It no longer shows the result."))})


@blueprint.get("")
def show(job_id: str) -> Response:
    """List the links to a result, with the form for another one."""
    return _page(job_id, Form({"days": "7"}))


@blueprint.post("")
def create(job_id: str) -> Response:
    """Create a link, and show it on the page of this response only."""
    form = Form.sent()
    try:
        if form["days"] not in map(str, _DAYS):
            raise BadRequest("invalid_days", _("Choose one of the periods."))
        secret, _share = create_share(state(), job_id, days=int(form["days"]), who=who())
    except BadRequest as error:
        form.fail("days", error.message, error.code)
        return _page(job_id, form)
    except Conflict as error:
        form.fail(SUMMARY, error.message, error.code)
        return _page(job_id, form)
    response = _page(job_id, form, url=absolute("ui_public_shared.show", secret=secret), status=HTTPStatus.CREATED)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/<share_id>/revoke")
def revoke(job_id: str, share_id: str) -> Response:
    """Revoke a link."""
    remove_share(state(), job_id, share_id, who=who())
    return see_other(url_for("ui_shares.show", job_id=job_id), "share_revoked")


def _page(job_id: str, form: Form, *, url: str = "", status: int | None = None) -> Response:
    shared = state()
    run, maximum = read_run(shared, job_id), shared.settings.share_link_max_days
    days = [number for number in _DAYS if number <= maximum]
    return page(
        "admin/jobs/shares.html",
        status=status or form.status,
        run=run,
        job_id=job_id,
        form=form,
        url=url,
        shares=read_shares(shared, job_id),
        periods=[(str(number), ngettext("in one day", "in %(num)s days", number)) for number in days],
    )
