"""Jobs and runs in one list, with bulk actions."""

from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.jobs.jobs import job_filter, read_jobs
from gonemaster_api.rest.paging import MAX_LIMIT
from gonemaster_api.state import state
from gonemaster_api.ui.admin.lists import SIZES, read_list
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import first_message, read_query
from gonemaster_api.ui.shell.navigation import link_to
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.strip import clear_queue_status
from gonemaster_api.ui.shell.tables.days import DayOrInstant, day_of
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext, mark, ngettext
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.urls import local_path
from gonemaster_api.use_cases.matching_jobs import cancel_matching_jobs, count_matching, rerun_matching_jobs
from gonemaster_api.v1.jobs.schemas import STATUSES, JobListQuerySchema
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import JobNotFound
from gonemaster_db.core.filters import JobFilter
from gonemaster_db.models import Job, Operation, Run
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.matching import rerun_listed
from gonemaster_tasks.errors import NothingToRerun

blueprint = Blueprint("ui_recent", __name__, url_prefix="/recent")
blueprint.add_app_template_filter(day_of)


_FILTERS = (
    "domain", "batch_id", "status", "severity", "created_after", "created_before", "min_duration_ms", "min_attempts",
    "policy", "verdict",
)  # fmt: skip
_DURATIONS_MS = (10_000, 60_000, 180_000)
_ATTEMPTS = (2, 3)

register_notes(
    {
        "jobs-canceled": Note(mark("1 job canceled."), mark("%(num)s jobs canceled.")),
        "jobs-repeated": Note(
            mark("1 domain queued again as a batch."), mark("%(num)s domains queued again as a batch.")
        ),
        "jobs-none-chosen": Note(mark("No rows were selected. Select at least one row."), level="notice"),
        "jobs-none-finished": Note(
            mark("None of the selected jobs has finished, so no test can be repeated."), level="notice"
        ),
    }
)


class RecentQuerySchema(JobListQuerySchema):
    """The filter of the list; a bound may be a day, and both days are included."""

    created_after = DayOrInstant()
    created_before = DayOrInstant(is_end=True)


@blueprint.get("")
def show() -> Response:
    """List jobs and the runs of finished jobs."""
    shared, query = state(), read_query(RecentQuerySchema, limit=SIZES[0])
    found = read_list(query, lambda values: read_jobs(shared, values))
    busy = any(item["status"] in ("queued", "running", "paused") for item in found["items"])
    hidden = {name: request.args[name] for name in _FILTERS if request.args.get(name)}
    asked = query.values
    durations = sorted({*_DURATIONS_MS, asked.get("min_duration_ms") or _DURATIONS_MS[0]})
    attempts = sorted({*_ATTEMPTS, asked.get("min_attempts") or _ATTEMPTS[0]})
    values: dict[str, Any] = {"durations": durations, "attempts": attempts}
    values |= {"sizes": SIZES, "statuses": STATUSES, "hidden": hidden, "busy": busy}
    return page("admin/recent/list.html", status=query.status, query=query, found=found, **values)


@blueprint.post("/bulk")
def bulk() -> Response:
    """Cancel or repeat the selected rows, or all rows that match the filter."""
    do, ids = request.form.get("do", ""), request.form.getlist("id")[:MAX_LIMIT]
    back = local_path(request.form.get("next") or url_for("ui_recent.show"))
    if do not in ("cancel", "rerun"):
        raise BadRequest("invalid_do", gettext("Choose to cancel or repeat the selected tests."))
    if request.form.get("all"):
        return _cancel_all(back) if do == "cancel" else _rerun_all(back)
    if not ids:
        return see_other(back, "jobs-none-chosen")
    return _cancel_listed(ids, back) if do == "cancel" else _rerun_listed(ids, back)


def _cancel_listed(ids: list[str], back: str) -> Response:
    count = ngettext("one job", "%(n)s jobs", len(ids), n=number(len(ids)))
    confirmation = Confirmation(
        title=gettext("Cancel %(count)s?", count=count),
        text=gettext("Waiting and running jobs are canceled. Finished runs do not change."),
        button=gettext("Cancel %(count)s", count=count),
        keep=gettext("Keep in queue"),
        back=back,
        fields={"do": "cancel", "id": ids, "next": back},
    ).unless_confirmed()
    if confirmation is not None:
        return confirmation
    canceled = sum(_cancel(job_id) for job_id in ids)
    clear_queue_status()
    return see_other(back, "jobs-canceled", n=canceled)


def _cancel(job_id: str) -> bool:
    """Cancel a job; return whether it was unfinished."""
    shared = state()
    try:
        left: Job | Run = cancel_job(shared.queue, job_id, who=who())
    except JobNotFound:
        return False
    return isinstance(left, Job) or left.error == "canceled"


def _cancel_all(back: str) -> Response:
    shared, criteria = state(), _sent_criteria()
    total = count_matching(shared, criteria).unfinished
    count = ngettext("one job", "%(n)s jobs", total, n=number(total))
    confirmation = Confirmation(
        title=gettext("Cancel all matching jobs?"),
        text=gettext(
            "Waiting and running jobs are canceled. Large numbers are canceled in steps, with progress shown."
        ),
        facts=((gettext("Waiting and running jobs"), number(total)),),
        button=gettext("Cancel %(count)s", count=count),
        keep=gettext("Keep in queue"),
        weight="tick",
        tick=gettext("Yes, all of them: %(count)s", count=count),
        back=back,
        fields={"do": "cancel", "all": "yes", "next": back} | _sent_filter(),
    ).unless_confirmed()
    if confirmation is not None:
        return confirmation
    done = cancel_matching_jobs(shared, criteria, who=who())
    clear_queue_status()
    if isinstance(done, Operation):
        return see_other(url_for("ui_operations.detail", operation_id=done.id), "operation")
    return see_other(back, "jobs-canceled", n=done.canceled + done.stopping)


def _rerun_listed(ids: list[str], back: str) -> Response:
    try:
        created = rerun_listed(state().queue, ids, who=who())
    except NothingToRerun:
        return see_other(back, "jobs-none-finished")
    return _to_batch(created.batch.id, created.job_count)


def _rerun_all(back: str) -> Response:
    shared, criteria = state(), _sent_criteria()
    total = count_matching(shared, criteria).finished
    if not total:
        return see_other(back, "jobs-none-finished")
    count = ngettext("one run", "%(n)s runs", total, n=number(total))
    confirmation = Confirmation(
        title=gettext("Test all listed domains again?"),
        text=gettext(
            "A new batch is submitted with one job for each matching finished run, using the options of that run."
        ),
        facts=((gettext("Runs"), number(total)),),
        button=gettext("Repeat %(count)s", count=count),
        is_creation=True,
        weight="tick",
        tick=gettext("Yes, all of them: %(count)s", count=count),
        back=back,
        fields={"do": "rerun", "all": "yes", "next": back} | _sent_filter(),
    ).unless_confirmed()
    if confirmation is not None:
        return confirmation
    created = rerun_matching_jobs(shared, criteria, who=who())
    return _to_batch(created.batch.id, created.job_count)


def _to_batch(batch_id: str, count: int) -> Response:
    clear_queue_status()
    target = link_to("ui_batches.detail", batch_id=batch_id) or url_for("ui_recent.show", batch_id=batch_id)
    return see_other(target, "jobs-repeated", n=count)


def _sent_filter() -> dict[str, str]:
    return {name: request.form[name] for name in _FILTERS if request.form.get(name)}


def _sent_criteria() -> JobFilter:
    """Return the filter that the form of the list carries.

    Raises:
        BadRequest: the filter is invalid.
    """
    try:
        return job_filter(RecentQuerySchema().load(_sent_filter()))
    except ma.ValidationError as error:
        name, messages = next(iter(error.messages_dict.items()))
        raise BadRequest(f"invalid_{name}", f"{name}: {first_message(messages)}") from error
