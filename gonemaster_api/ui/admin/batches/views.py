"""The list of batches, and the page of one batch with its jobs."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, url_for

from gonemaster_api.queries.batches.batches import read_batch_progress, read_batches, read_rate_per_minute
from gonemaster_api.queries.jobs.jobs import job_filter, read_jobs
from gonemaster_api.state import state
from gonemaster_api.ui.admin.batches.exports import stream_batches, stream_jobs
from gonemaster_api.ui.admin.batches.names import batch_title, title_of
from gonemaster_api.ui.admin.batches.outcomes import VERDICTS, grade_parts, level_parts, verdict_parts
from gonemaster_api.ui.shell.forms.forms import read_query
from gonemaster_api.ui.shell.pages import page, wanted_part
from gonemaster_api.v1.batches.schemas import BatchListQuerySchema
from gonemaster_api.v1.jobs.schemas import JobListQuerySchema
from gonemaster_api.web.streaming import stream
from gonemaster_db.core.clock import utcnow

blueprint = Blueprint("ui_batches", __name__)
blueprint.add_app_template_global(batch_title)
PER_PAGE = 50
_JOBS_PER_PAGE = 25


class _JobsQuery(JobListQuerySchema):
    """The filter, order and position in the list of jobs."""

    class Meta(JobListQuerySchema.Meta):
        """The URL already names the batch."""

        exclude = ("batch_id",)


@blueprint.get("/batches")
def show() -> Response:
    """List batches, newest first, with their progress."""
    query = read_query(BatchListQuerySchema, limit=PER_PAGE)
    listed = read_batches(state(), query.values)
    runs = any(batch["status"] == "running" for batch in listed["items"])
    return page(
        "admin/batches/list.html", status=query.status, query=query, listed=listed, runs=runs, title_of=title_of
    )


@blueprint.get("/batches/all.csv")
def batches_csv() -> Response:
    """Return all batches that match the filter, with their counts, as a CSV file."""
    shared = state()
    filters = read_query(BatchListQuerySchema, limit=PER_PAGE).values
    response = stream(shared, stream_batches(shared, filters), mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=batches.csv"
    return response


@blueprint.get("/batches/<batch_id>")
def detail(batch_id: str) -> Response:
    """Show counts, grades, levels and jobs of a batch. The partial `progress` has only the counts."""
    batch = read_batch_progress(state(), batch_id)
    runs = batch["status"] == "running"
    rate = read_rate_per_minute(state()) if runs else None
    left = (batch["expected_finish_at"] - utcnow()).total_seconds() if batch.get("expected_finish_at") else None
    shown = {
        "batch": batch,
        "title": title_of(batch),
        "runs": runs,
        "rate": rate,
        "left": left,
        "grades": grade_parts(batch["grades"]),
        "levels": level_parts(batch["worst_levels"]),
        "verdicts": verdict_parts(batch["verdicts"]),
    }
    if wanted_part() == "progress":
        return page("admin/batches/detail.html", **shown)
    query = read_query(_JobsQuery, limit=_JOBS_PER_PAGE)
    jobs = read_jobs(state(), {**query.values, "batch_id": batch_id})
    return page(
        "admin/batches/detail.html",
        status=query.status,
        query=query,
        jobs=jobs,
        groups=_groups(batch, query.values),
        **shown,
    )


@blueprint.get("/batches/<batch_id>/jobs.csv")
def jobs_csv(batch_id: str) -> Response:
    """Return all jobs of a batch that match the filter, as a CSV file."""
    shared = state()
    batch = read_batch_progress(shared, batch_id)
    criteria = job_filter(read_query(_JobsQuery).values | {"batch_id": batch["batch_id"]})
    response = stream(shared, stream_jobs(shared, criteria), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename={batch['batch_id']}.csv"
    return response


def _groups(batch: dict[str, Any], query: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the choices above the list of jobs: URL, number, and whether the choice is active.

    The numbers count the list, which does not include purged results.
    """
    counts, levels = batch["kept"].status_counts, batch["kept"].worst_levels
    errors = levels.get("ERROR", 0) + levels.get("CRITICAL", 0)
    choices = [
        ("all", {}, sum(counts.values())),
        ("waiting", {"status": "queued"}, counts["queued"]),
        ("running", {"status": "running"}, counts["running"]),
        ("failed", {"status": "failed"}, counts["failed"]),
        ("canceled", {"status": "canceled"}, counts["canceled"]),
        ("errors", {"severity": "errors_only"}, errors),
        ("warnings", {"severity": "warnings_plus"}, errors + levels.get("WARNING", 0)),
        *((verdict, {"verdict": verdict}, batch["verdicts"].get(verdict, 0)) for verdict in VERDICTS),
    ]
    current = {name: query[name] for name in ("status", "severity", "verdict") if query.get(name)}
    parameters = {"domain": query["domain"]} if query.get("domain") else {}
    return [
        {
            "name": name,
            "count": count,
            "current": chosen == current,
            "href": _href(batch["batch_id"], chosen | parameters),
        }
        for name, chosen, count in choices
        if count or chosen == current or name == "all"
    ]


def _href(batch_id: str, query: dict[str, str]) -> str:
    path = url_for("ui_batches.detail", batch_id=batch_id)
    return f"{path}?{urlencode(query)}" if query else path
