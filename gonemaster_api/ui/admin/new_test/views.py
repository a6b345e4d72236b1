"""The form that starts a test of one domain."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.profiles import read_profiles
from gonemaster_api.state import state
from gonemaster_api.ui.admin.lists import policy_options, store_no_response, tag_names
from gonemaster_api.ui.admin.new_test.form import TestForm, padded, sent_form
from gonemaster_api.ui.shell.forms.forms import SUMMARY
from gonemaster_api.ui.shell.forms.typed_names import without_url
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.strip import clear_queue_status
from gonemaster_api.ui.shell.texts.languages import gettext
from gonemaster_api.ui.shell.texts.notes import see_other
from gonemaster_api.use_cases.lookups import look_up_delegation
from gonemaster_api.use_cases.submission.jobs import submit_single_job
from gonemaster_db.core.errors import AmbiguousProfile, StoreUnavailable
from gonemaster_db.core.levels import SEVERITIES
from gonemaster_engine.dnssec.algorithms import algorithm, digest_type
from gonemaster_tasks.config.profiles import is_guarded
from gonemaster_tasks.errors import BrokerUnavailable

blueprint = Blueprint("ui_test", __name__, url_prefix="/test")


@blueprint.get("")
def show() -> Response:
    """Show the form; the query string fills in fields and adds, removes and fetches rows."""
    form = sent_form()
    if request.args.get("fetch"):
        _fetch(form)
    return _page(form)


def _fetch(form: TestForm) -> None:
    """Fill in the rows with the current records of the parent zone."""
    shared = state()
    try:
        found = look_up_delegation(shared, without_url(form["domain"]), guarded=is_guarded(shared.settings, ()))
    except ApiError as error:
        form.refuse(error)
        return
    form.fill(found)
    if not found["nameservers"]:
        form.fail("undelegated", gettext("The parent zone has no name servers for this domain."), "not_found")


@blueprint.post("")
def start() -> Response:
    """Queue the test and redirect to its job; show the form again if a field is invalid."""
    shared, form = state(), sent_form()
    body = form.check_all(shared)
    if not form.is_valid:
        return _page(form)
    try:
        job = submit_single_job(shared, body, keep=store_no_response)
    except ApiError as error:
        form.refuse(error)
    except AmbiguousProfile:
        text = gettext("The tags of the domain have different default profiles. Choose a profile.")
        form.fail("profile_id", text, "ambiguous_profile")
    except BrokerUnavailable:
        form.fail(
            SUMMARY, gettext("The broker is unavailable. The test was not queued; try again."), "broker_unavailable"
        )
        return _page(form, status=HTTPStatus.SERVICE_UNAVAILABLE)
    except StoreUnavailable:
        form.fail(SUMMARY, gettext("The database is unavailable. Try again."), "store_unavailable")
        return _page(form, status=HTTPStatus.SERVICE_UNAVAILABLE)
    else:
        clear_queue_status()
        return see_other(url_for("ui_jobs.detail", job_id=job["id"]), "job-queued")
    return _page(form)


@blueprint.post("/check")
def check() -> Response:
    """Validate the partly filled form and return it; empty fields are not errors."""
    form = sent_form()
    form.check_all(state())
    if not form["domain"]:
        form.errors.pop("domain", None)
    return _page(form, status=HTTPStatus.OK)


def _page(form: TestForm, *, status: int | None = None) -> Response:
    add, removed = request.args.get("add", ""), request.args.get("remove", "")
    rows = {kind: list(padded(form.rows(kind, removed=removed), kind, more=add == kind)) for kind in ("ns", "ds")}
    shared = state()
    is_open = bool(add or removed or request.args.get("fetch"))
    values: dict[str, Any] = {
        "profiles": lambda: read_profiles(shared),
        "tags": lambda: tag_names(shared),
        "policies": lambda: policy_options(shared, form["policy"]),
        "is_open": is_open or any(not row.is_empty for some in rows.values() for row in some),
        "algorithms": [algorithm(number) for number in (5, 7, 8, 10, 13, 14, 15, 16)],
        "digest_types": [digest_type(number) for number in (1, 2, 4)],
        "severities": SEVERITIES,
    }
    return page("admin/new_test/page.html", status=status or form.status, form=form, rows=rows, **values)
