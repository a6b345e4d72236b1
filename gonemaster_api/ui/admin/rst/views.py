"""The form that starts a rehearsal, the list of rehearsals, and the state of one with its report."""

import json
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.jobs.rst_checks import read_check, read_checks, read_report
from gonemaster_api.state import state
from gonemaster_api.ui.admin.lists import store_no_response
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form, read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.strip import clear_queue_status
from gonemaster_api.ui.shell.texts.languages import gettext, language, mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.use_cases.submission.rst_checks import submit_check
from gonemaster_api.v1.rst_checks.schemas import EXAMPLE_INPUTS, RstCheckListQuerySchema
from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_engine.rst.document import MAX_OCTETS
from gonemaster_engine.rst.report import RstResult
from gonemaster_engine.rst.text import label
from gonemaster_engine.texts import joined
from gonemaster_tasks.errors import BrokerUnavailable

blueprint = Blueprint("ui_rst", __name__, url_prefix="/rst")

_TONES = {"pass": "succeeded", "fail": "failed", "undecided": "expired", "skipped": "expired"}
_STATES = {"queued": "queued", "running": "running", "finished": "succeeded"}
_MAX_PROBLEMS = 20

register_notes({"rst_queued": Note(mark("Rehearsal queued."))})


@blueprint.get("")
def show() -> Response:
    """Show the form and the list, newest first."""
    return _page(Form())


@blueprint.post("")
def start() -> Response:
    """Queue the rehearsal and redirect to it; show the form again if the inputs are invalid."""
    request.max_form_memory_size = MAX_OCTETS
    form = Form.sent()
    try:
        inputs = json.loads(form["inputs"])
    except (ValueError, RecursionError) as error:
        form.fail("inputs", gettext("The text is not valid JSON: %(error)s", error=str(error)[:200]), "invalid_json")
        return _page(form)
    try:
        check = submit_check(state(), {"inputs": inputs}, keep=store_no_response)
    except ApiError as error:
        _refuse(form, error)
        return _page(form)
    except (BrokerUnavailable, StoreUnavailable):
        text = gettext("The queue is unavailable. The rehearsal was not queued; try again.")
        form.fail(SUMMARY, text, "unavailable")
        return _page(form, status=HTTPStatus.SERVICE_UNAVAILABLE)
    clear_queue_status()
    return see_other(url_for("ui_rst.detail", check_id=check["id"]), "rst_queued")


def _refuse(form: Form, error: ApiError) -> None:
    """Record an error with all problems of the inputs, each with its place."""
    problems = (error.details or {}).get("problems")
    if not problems:
        form.fail("inputs", error.message, error.code)
        return
    lines = [in_language(joined(": ", (each["path"], each["reason"]))) for each in problems[:_MAX_PROBLEMS]]
    form.fail("inputs", "; ".join(lines), error.code)


def _page(form: Form, *, status: int | None = None) -> Response:
    query = read_query(RstCheckListQuerySchema, limit="50")
    found = read_checks(state(), **query.values)
    busy = any(check["state"] != "finished" for check in found["items"])
    values: dict[str, Any] = {"query": query, "found": found | {"offset": query.values["offset"]}, "busy": busy}
    example = json.dumps(EXAMPLE_INPUTS, indent=2)
    code = status or (form.status if form.errors else query.status)
    return page("admin/rst/list.html", status=code, form=form, example=example, states=_STATES, **values)


@blueprint.get("/<check_id>")
def detail(check_id: str) -> Response:
    """Show a rehearsal: its TLDs, and the result and its reports once all have finished."""
    check = read_check(state(), check_id)
    report = read_report(state(), check_id, shape="json", locale=language()) if check["result"] else {"suites": ()}
    words = {each.value: label(each.value, language()) for each in RstResult}
    values: dict[str, Any] = {"suites": report["suites"], "states": _STATES, "tones": _TONES, "words": words}
    return page("admin/rst/detail.html", check=check, busy=check["state"] != "finished", **values)
