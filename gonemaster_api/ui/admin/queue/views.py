"""The queue page, also the start page: running and waiting jobs, their order, and the actions of operators."""

from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, request, url_for
from marshmallow import validate

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.everything import read_first_run
from gonemaster_api.queries.health import read_issues
from gonemaster_api.queries.jobs.jobs import read_job
from gonemaster_api.queries.jobs.queue_screen import (
    read_figures,
    read_place,
    read_running,
    read_waiting,
    read_work,
)
from gonemaster_api.queries.searching import search_term
from gonemaster_api.queries.workers import GROUPED_FROM, domains_of, group_workers
from gonemaster_api.state import state
from gonemaster_api.ui.admin.queue.flower import flower_link
from gonemaster_api.ui.admin.queue.pauses import PauseForm
from gonemaster_api.ui.admin.queue.texts import REMOVAL, UNDONE, issue_advice, issue_title, work_title
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import Form, problem_of, read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.partial_cache import cached_partials
from gonemaster_api.ui.shell.strip import clear_queue_status, queue_status
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext, ngettext
from gonemaster_api.ui.shell.texts.notes import register_notes, see_other
from gonemaster_api.ui.shell.urls import local_path
from gonemaster_api.use_cases.waiting_jobs import JobSelection, change_jobs, count_chosen, move_chosen
from gonemaster_api.v1.queue.schemas import QueueQuerySchema
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_db.models import Operation
from gonemaster_db.queue.queue import End
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.order import move_jobs, move_jobs_next_to
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.queues import TIERS

blueprint = Blueprint("ui_queue", __name__)
register_notes(UNDONE)

_ROWS = 50
_RUNNING_FIRST = 8
_RUNNING_MAX = 500
_MAX_NAMED = 500  # Job IDs per form: one page of the longest list.


class QueuePageSchema(QueueQuerySchema):
    """The position in the list of waiting jobs, and whether all running jobs are listed."""

    domain = ma.fields.String(validate=validate.Length(max=253))
    running = ma.fields.String(validate=validate.OneOf(("all",)))


@blueprint.get("/")
@cached_partials
def show() -> Response:
    """Show the queue."""
    shared = state()
    if queue_status() is None:
        raise StoreUnavailable(Text("the database does not answer"))
    query = read_query(QueuePageSchema, limit=_ROWS)
    try:
        waiting = read_waiting(shared, query.values)
    except BadRequest as error:  # The cursor of the next page.
        query.problems.append(problem_of(error))
        waiting = read_waiting(shared, {**query.values, "cursor": None, "offset": 0})
    maximum = _RUNNING_MAX if query.values.get("running") else _RUNNING_FIRST
    return page(
        "admin/queue/page.html",
        status=query.status,
        query=query,
        waiting=waiting,
        figures=lambda: read_figures(shared),
        issues=lambda: read_issues(shared),
        work=lambda: read_work(shared),
        running=lambda: read_running(shared, limit=maximum),
        most_running=maximum,
        issue_title=issue_title,
        issue_advice=issue_advice,
        work_title=work_title,
        flower=flower_link(shared, request.host),
        grouped_from=GROUPED_FROM,
        first_run=lambda: read_first_run(shared),
        group_workers=group_workers,
        domains_of=lambda workers: domains_of(shared, workers),
    )


@blueprint.route("/queue/pause", methods=["GET", "POST"])
def pause() -> Response:
    """Ask for tiers, reason and end of a pause, then pause the tiers."""
    form = PauseForm.sent_or_new()
    if form.is_sent:
        pause = form.read(state().queue.clock.now())
        if pause is not None:
            pause_queue(
                state().queue,
                pause.tiers,
                paused_by=who(),
                reason=pause.reason,
                until=pause.until,
            )
            clear_queue_status()
            return see_other(local_path(form["next"]), "paused")
    return page("admin/queue/pause.html", status=form.status, form=form)


@blueprint.post("/queue/resume")
def resume() -> Response:
    """Resume a tier, or all tiers if none is given."""
    form = Form.sent()
    tier = form["tier"]
    if tier and tier not in TIERS:
        raise BadRequest("invalid_tier", f"tier must be one of {', '.join(TIERS)}")
    resume_queue(state().queue, (tier,) if tier else TIERS, who=who())
    clear_queue_status()
    return see_other(local_path(form["next"]), "resumed")


@blueprint.post("/queue/jobs")
def change() -> Response:
    """Move, hold, release or remove one waiting job, the selected jobs or all jobs that match the filter."""
    form = Form.sent()
    action, choice = _read_choice(form)
    if action in ("front", "back"):
        return _move(form, choice, "front" if action == "front" else "back")
    if action == "hold":
        return _done(form, "hold_done", change_jobs(state(), choice, "hold", who=who()), choice)
    if action == "release":
        return _done(form, "release_done", change_jobs(state(), choice, "release", who=who()), choice)
    if action != "remove":
        raise BadRequest("invalid_move", "do must be front, back, hold, release or remove")
    confirmation = _removal(form, choice).unless_confirmed()
    return confirmation or _done(form, "removed", change_jobs(state(), choice, "remove", who=who()), choice)


@blueprint.post("/queue/order")
def order() -> Response:
    """Move a waiting job before or after another job of its tier, or to the back if no other job is given."""
    form = Form.sent()
    job_id, _, undone_pivot = form["of"].partition(":") if form["of"] else (form["job"], "", "")
    pivot, where = form["pivot"] or undone_pivot, form["where"] or "before"
    if where not in ("before", "after"):
        raise BadRequest("invalid_move", "where must be before or after")
    place = read_place(state(), job_id)
    if not pivot:
        moved = len(move_jobs(state().queue, [job_id], to="back", who=who()))
    else:
        moved = len(move_jobs_next_to(state().queue, [job_id], pivot=pivot, after=where == "after", who=who()))
    clear_queue_status()
    return see_other(local_path(form["next"]), "moved", n=moved, of="" if form["of"] else f"{job_id}:{place}")


@blueprint.route("/queue/clear/<tier>", methods=["GET", "POST"])
def clear(tier: str) -> Response:
    """Remove all waiting jobs of a tier after a confirmation."""
    if tier not in TIERS:
        raise BadRequest("invalid_tier", f"tier must be one of {', '.join(TIERS)}")
    choice, form = JobSelection(tier=tier), Form.sent()
    confirmation = _removal(form, choice, action=url_for("ui_queue.clear", tier=tier)).unless_confirmed()
    return confirmation or _done(form, "removed", change_jobs(state(), choice, "remove", who=who()), choice)


@blueprint.route("/queue/jobs/<job_id>/cancel", methods=["GET", "POST"])
def cancel(job_id: str) -> Response:
    """Cancel a running job after a confirmation."""
    job = read_job(state(), job_id)
    confirmation = Confirmation(
        title=gettext("Cancel the test of %(domain)s?", domain=job["domain"]),
        text=gettext("The test stops within a second and is recorded as a canceled run."),
        button=gettext("Cancel test"),
        keep=gettext("Keep running"),
        back=url_for("ui_queue.show"),
    ).unless_confirmed()
    if confirmation:
        return confirmation
    cancel_job(state().queue, job_id, who=who())
    clear_queue_status()
    return see_other(url_for("ui_queue.show"), "canceled")


def _read_choice(form: Form) -> tuple[str, JobSelection]:
    """Read the action and its jobs.

    Raises:
        BadRequest: invalid_queue if no job is selected; invalid_tier.
    """
    if form["one"]:  # The button of a row sends, for example, `front:job_...`.
        action, _, job_id = form["one"].partition(":")
        return action, JobSelection((job_id,))
    if form["of"]:  # The undo button of a note.
        return form["do"], JobSelection((form["of"],))
    if form["all"] == "yes":
        if form["tier"] not in ("", *TIERS):
            raise BadRequest("invalid_tier", f"tier must be one of {', '.join(TIERS)}")
        return form["do"], JobSelection(tier=form["tier"], domain=search_term(form["domain"]))
    ids = tuple(dict.fromkeys(filter(None, form.all("job"))))
    if not ids or len(ids) > _MAX_NAMED:
        raise BadRequest("invalid_queue", f"choose from 1 to {_MAX_NAMED} jobs, or all that match")
    return form["do"], JobSelection(ids)


def _move(form: Form, choice: JobSelection, to: End) -> Response:
    place = read_place(state(), choice.job_ids[0]) if len(choice.job_ids) == 1 else ""
    moved = move_chosen(state(), choice, to, who=who())
    of = f"{choice.job_ids[0]}:{place}" if len(choice.job_ids) == 1 else ""
    return _done(form, "moved", moved, choice, of=of)


def _done(form: Form, note: str, done: int | Operation, choice: JobSelection, *, of: str = "") -> Response:
    clear_queue_status()
    target = local_path(form["next"])
    if isinstance(done, Operation):
        return see_other(target, "begun", n=done.total)
    single = choice.job_ids[0] if len(choice.job_ids) == 1 else ""
    return see_other(target, note, n=done, of=of or single)


def _removal(form: Form, choice: JobSelection, action: str = "") -> Confirmation:
    count = count_chosen(state(), choice)
    fields: dict[str, Any] = {"next": local_path(form["next"]), "do": "remove"}
    if choice.is_filter:
        fields |= {"all": "yes", "tier": choice.tier, "domain": choice.domain}
    else:
        fields["job"] = list(choice.job_ids)
    title = ngettext("Remove one job from the queue?", "Remove %(n)s jobs from the queue?", count, n=number(count))
    return Confirmation(
        title=title,
        text=gettext(REMOVAL),
        button=ngettext("Remove one job", "Remove %(n)s jobs", count, n=number(count)),
        keep=ngettext("Keep in queue", "Keep in queue", count),
        back=local_path(form["next"]),
        weight="tick" if choice.is_filter else "plain",
        tick=ngettext("Yes, this one", "Yes, all %(n)s", count, n=number(count)),
        fields=fields,
        action=action,
    )
