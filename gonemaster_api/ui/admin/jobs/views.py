"""The page of one job, and the actions on it."""

from http import HTTPStatus

from flask import Blueprint, Response, request, url_for

from gonemaster_api.queries.jobs.jobs import read_job_log
from gonemaster_api.state import state
from gonemaster_api.ui.admin.jobs.exports import result_text
from gonemaster_api.ui.admin.jobs.inspection import (
    Inspection,
    count_profile_changes,
    inspect_run,
    inspect_waiting,
    read_chain,
    read_effective_profile,
    read_item,
)
from gonemaster_api.ui.admin.jobs.words import WORDS
from gonemaster_api.ui.shell.charts.chains import chain_view, svg_response
from gonemaster_api.ui.shell.findings import DEBUG, FILTERS, MAX_ENTRIES, MAX_SHOWN
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import Problem
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.strip import clear_queue_status
from gonemaster_api.ui.shell.texts.formats import instant_utc, u_label
from gonemaster_api.ui.shell.texts.languages import gettext, language, mark
from gonemaster_api.ui.shell.texts.markdown import result_markdown
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.urls import absolute, local_path
from gonemaster_api.use_cases.submission.jobs import submit_job_again
from gonemaster_api.web.actor import who
from gonemaster_db.models import Job, Run
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.order import hold_job, move_jobs, release_job

blueprint = Blueprint("ui_jobs", __name__, url_prefix="/jobs")
for _name, _filter in WORDS.items():
    blueprint.add_app_template_filter(_filter, _name)

register_notes(
    {
        "job-queued": Note(mark("Test queued.")),
        "job-again": Note(mark("The domain is queued again with the same options.")),
        "job-canceled": Note(mark("Job canceled.")),
        "job-stopping": Note(mark("The job is being stopped."), level="notice"),
        "job-over": Note(mark("The job had already finished."), level="notice"),
        "job-held": Note(mark("Job on hold. It keeps its position."), undo="ui_jobs.release"),
        "job-released": Note(mark("1 job released to its previous position."), undo="ui_jobs.hold"),
        "job-front": Note(mark("The job is now first in its tier.")),
        "job-started": Note(mark("The job is no longer waiting, so it was not moved."), level="notice"),
    }
)


@blueprint.get("/<job_id>")
def detail(job_id: str) -> Response:
    """Show the progress of a job, or its result after it has finished."""
    shared = state()
    item = read_item(shared, job_id)
    if isinstance(item, Job):
        follows = request.args.get("follow") != "off"
        waiting = inspect_waiting(shared, item)
        attempts = read_job_log(shared, job_id)["attempts"]
        return page("admin/jobs/page.html", parts=("job",), waiting=waiting, follows=follows, attempts=attempts)
    level, problems = _wanted_level()
    inspection = inspect_run(shared, job_id, locale=language())
    return page(
        "admin/jobs/page.html",
        status=HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK,
        inspection=inspection,
        attempts=read_job_log(shared, job_id)["attempts"],
        level=level,
        maximum=MAX_ENTRIES if request.args.get("all") else MAX_SHOWN,
        problems=problems,
        changes=lambda: count_profile_changes(shared, inspection.run),
        chain=lambda: chain_view(read_chain(shared, job_id)),
        markdown=lambda: _markdown(inspection),
    )


def _markdown(inspection: Inspection) -> str:
    run, score = inspection.run, inspection.score
    name = u_label(run.domain)
    title = f"{name}: {score['grade']}, {score['score']}/100" if score else name
    address = absolute("ui_jobs.detail", job_id=run.id)
    causes = inspection.causes
    return result_markdown(title, instant_utc(run.finished_at), address, causes.sentence, causes)


def _wanted_level() -> tuple[str, list[Problem]]:
    text = request.args.get("level", "").lower()
    levels = (*FILTERS, DEBUG)
    if text in levels or not text:
        return text, []
    allowed = ", ".join(levels)
    message = gettext("Invalid level %(given)s. Allowed levels: %(allowed)s.", given=text[:40], allowed=allowed)
    return "", [Problem("level", message, "invalid_level")]


@blueprint.get("/<job_id>/profile")
def profile(job_id: str) -> Response:
    """Show the full profile of a run and its differences from the server default."""
    return page("admin/jobs/profile.html", profile=read_effective_profile(state(), job_id))


@blueprint.get("/<job_id>/chain.svg")
def chain_svg(job_id: str) -> Response:
    """Return the DNSSEC chain of trust of a run as an SVG file."""
    return svg_response(read_chain(state(), job_id))


@blueprint.get("/<job_id>/result.txt")
def text(job_id: str) -> Response:
    """Return the result as plain text."""
    inspection = inspect_run(state(), job_id, locale=language())
    response = Response(result_text(inspection, locale=language()), mimetype="text/plain")
    response.headers["Content-Disposition"] = f"attachment; filename={inspection.run.id}.txt"
    return response


@blueprint.route("/<job_id>/cancel", methods=["GET", "POST"])
def cancel(job_id: str) -> Response:
    """Ask for a confirmation, then cancel a job."""
    shared, back = state(), url_for("ui_jobs.detail", job_id=job_id)
    item = read_item(shared, job_id)
    if isinstance(item, Run):
        return see_other(back, "job-over")
    confirmation = Confirmation(
        title=gettext("Cancel the test of %(domain)s?", domain=u_label(item.domain)),
        text=gettext("The job is recorded as a canceled run."),
        button=gettext("Cancel test"),
        keep=gettext("Keep job"),
        back=back,
    ).unless_confirmed()
    if confirmation is not None:
        return confirmation
    left = cancel_job(shared.queue, job_id, who=who())
    clear_queue_status()
    return see_other(back, "job-stopping" if isinstance(left, Job) else "job-canceled")


@blueprint.post("/hold")
def hold() -> Response:
    """Hold the queued job in the form field `of`."""
    job = hold_job(state().queue, request.form.get("of", ""), who=who())
    clear_queue_status()
    return see_other(_back(job.id), "job-held", of=job.id)


@blueprint.post("/release")
def release() -> Response:
    """Release the held job in the form field `of`."""
    job = release_job(state().queue, request.form.get("of", ""), who=who())
    clear_queue_status()
    return see_other(_back(job.id), "job-released", of=job.id)


@blueprint.post("/<job_id>/front")
def front(job_id: str) -> Response:
    """Move a waiting job to the front of its tier."""
    moved = move_jobs(state().queue, [job_id], to="front", who=who())
    return see_other(_back(job_id), "job-front" if moved else "job-started")


@blueprint.post("/<job_id>/again")
def again(job_id: str) -> Response:
    """Queue a test with the domain and the options of a job, and redirect to it."""
    shared = state()
    job = submit_job_again(shared, read_item(shared, job_id))
    clear_queue_status()
    return see_other(url_for("ui_jobs.detail", job_id=job["id"]), "job-again")


def _back(job_id: str) -> str:
    """Return the path of the page with the form: a list, or the page of the job."""
    given = request.form.get("next")
    return local_path(given) if given else url_for("ui_jobs.detail", job_id=job_id)
