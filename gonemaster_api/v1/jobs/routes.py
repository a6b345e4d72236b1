"""Routes of jobs: submit, list, follow, cancel, read the result."""

from typing import Any

from flask import Response
from flask.views import MethodView

from gonemaster_api.queries.jobs.events import job_feed
from gonemaster_api.queries.jobs.jobs import job_document, read_job, read_job_log, read_jobs
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.idempotency import answer_once
from gonemaster_api.rest.parsing import LocaleQuerySchema
from gonemaster_api.state import state
from gonemaster_api.use_cases.retention import purge_runs
from gonemaster_api.use_cases.score_backfill import read_scored_result
from gonemaster_api.use_cases.submission.jobs import submit_single_job
from gonemaster_api.v1.jobs.schemas import (
    JobListQuerySchema,
    JobLogSchema,
    JobPageSchema,
    JobResultSchema,
    JobSchema,
    NewJobSchema,
    PurgedJobsSchema,
    PurgeSchema,
)
from gonemaster_api.v1.operations.schemas import ACCEPTED, accepted
from gonemaster_api.web.actor import who
from gonemaster_api.web.event_streams import last_event_id, respond
from gonemaster_db.models import Operation
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.order import hold_job, release_job

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs", description="Tests of single domains")


@blueprint.route("")
class Jobs(MethodView):
    """Submission and list of jobs."""

    @blueprint.arguments(NewJobSchema)
    @blueprint.response(201, JobSchema)
    @blueprint.submits(
        invalid="missing_domain, invalid_domain, invalid_tests, testcase_excluded, private_undelegated_ip, ..."
    )
    def post(self, request_body: dict[str, Any]) -> Any:
        """Queue a test of one domain. A repeated request with the same Idempotency-Key gets the first response."""
        shared = state()
        return answer_once(shared, JobSchema, 201, lambda keep: submit_single_job(shared, request_body, keep=keep))

    @blueprint.arguments(JobListQuerySchema, location="query")
    @blueprint.response(200, JobPageSchema)
    @blueprint.refuses(_400="invalid_limit, invalid_sort, invalid_severity, invalid_time_range, ...")
    def get(self, query: dict[str, Any]) -> Any:
        """List waiting, running and finished jobs."""
        return read_jobs(state(), query)


@blueprint.route("/purge")
class Purge(MethodView):
    """Deletion of old runs."""

    @blueprint.done_after_commit
    @blueprint.arguments(PurgeSchema)
    @blueprint.response(200, PurgedJobsSchema)
    @blueprint.alt_response(202, **ACCEPTED)
    @blueprint.refuses(_400="retention_not_configured, invalid_older_than_days")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Delete runs that finished more than a number of days ago; unfinished jobs are kept."""
        purged = purge_runs(state(), request_body["older_than_days"], who=who())
        return accepted(purged) if isinstance(purged, Operation) else {"purged_jobs": purged}


@blueprint.route("/<other_than(batch, purge):job_id>")
class JobById(MethodView):
    """One waiting, running or finished job."""

    @blueprint.response(200, JobSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, job_id: str) -> Any:
        """Show a job."""
        return read_job(state(), job_id)


@blueprint.route("/<job_id>/log")
class JobLog(MethodView):
    """The logs of failed attempts."""

    @blueprint.response(200, JobLogSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, job_id: str) -> Any:
        """Show the last log lines of each attempt that failed, or whose worker ended."""
        return read_job_log(state(), job_id)


@blueprint.route("/<job_id>/cancel")
class Cancel(MethodView):
    """Cancellation of a job."""

    @blueprint.done_after_commit
    @blueprint.response(200, JobSchema)
    @blueprint.refuses(_404="not_found")
    def post(self, job_id: str) -> Any:
        """Cancel a job: immediately if it is waiting, within a second if it is running. A finished job is unchanged."""
        shared = state()
        return job_document(shared, cancel_job(shared.queue, job_id, who=who()))


@blueprint.route("/<job_id>/hold")
class Hold(MethodView):
    """Hold on a waiting job."""

    @blueprint.done_after_commit
    @blueprint.response(200, JobSchema)
    @blueprint.refuses(_404="not_found", _409="invalid_state")
    def post(self, job_id: str) -> Any:
        """Keep a queued job from starting until it is released; it keeps its position."""
        shared = state()
        return job_document(shared, hold_job(shared.queue, job_id, who=who()))


@blueprint.route("/<job_id>/release")
class Release(MethodView):
    """Release of a held job."""

    @blueprint.done_after_commit
    @blueprint.response(200, JobSchema)
    @blueprint.refuses(_404="not_found", _409="invalid_state")
    def post(self, job_id: str) -> Any:
        """Return a held job to the queue at its previous position."""
        shared = state()
        return job_document(shared, release_job(shared.queue, job_id, who=who()))


@blueprint.route("/<job_id>/events")
class JobEvents(MethodView):
    """Events of a job."""

    @blueprint.streams_events("`state`, `progress`, `entry` and `done`")
    def get(self, job_id: str) -> Response:
        """Stream the events of a job. Last-Event-ID resumes an interrupted stream."""
        shared = state()
        with shared.store.read_only() as session:
            item = find_job_or_run(session, job_id)
        return respond(shared, job_feed(shared, item, last_event_id=last_event_id()))


@blueprint.route("/<job_id>/result")
class JobResult(MethodView):
    """The result of a job."""

    @blueprint.arguments(LocaleQuerySchema, location="query")
    @blueprint.response(200, JobResultSchema)
    @blueprint.refuses(_404="not_found, even for an existing job until it has finished")
    def get(self, query: dict[str, Any], job_id: str) -> Any:
        """Show the result of a finished job."""
        return read_scored_result(state(), job_id, locale=query["locale"])
