"""Routes of batches: submit, list, show, change, cancel, rerun, delete."""

from typing import Any

from flask import Response
from flask.views import MethodView
from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.batches.batches import read_batch, read_batches, read_deletion_preview, read_tag_values
from gonemaster_api.queries.batches.events import batch_feed
from gonemaster_api.queries.batches.files import MEDIA_TYPES, export_batch
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.idempotency import Keep, answer_once
from gonemaster_api.rest.tag_names import check_tag_name
from gonemaster_api.state import state
from gonemaster_api.use_cases.batch_cancellation import cancel_whole_batch
from gonemaster_api.use_cases.batch_deletion import cancel_and_delete_batch
from gonemaster_api.use_cases.submission.batches import submit_many_jobs
from gonemaster_api.v1.batches.schemas import (
    BatchAcceptedSchema,
    BatchChangeSchema,
    BatchDetailSchema,
    BatchListQuerySchema,
    BatchPageSchema,
    BatchRowSchema,
    CanceledBatchSchema,
    DeletePreviewSchema,
    ExportQuerySchema,
    NewBatchSchema,
    RerunAcceptedSchema,
    RerunSchema,
    TagValuesQuerySchema,
    TagValuesSchema,
)
from gonemaster_api.v1.jobs.schemas import JobListQuerySchema
from gonemaster_api.v1.operations.schemas import ACCEPTED, accepted
from gonemaster_api.web.actor import who
from gonemaster_api.web.event_streams import last_event_id, respond
from gonemaster_db.batches.batches import change_batch
from gonemaster_db.models import Operation
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.batches import rerun_batch
from gonemaster_tasks.control.submit import SubmittedBatch

blueprint = Blueprint("batches", __name__, description="Tests of many domains in one submission")


@blueprint.route("/jobs/batch")
class BatchSubmission(MethodView):
    """Submission of a batch."""

    @blueprint.arguments(NewBatchSchema)
    @blueprint.response(202, BatchAcceptedSchema)
    @blueprint.submits(
        invalid="missing_domain, invalid_domain, ambiguous_domains, undelegated_not_supported_for_batch, ..."
    )
    def post(self, request_body: dict[str, Any]) -> Any:
        """Queue tests of many domains; all domains are checked before anything is stored.

        A repeated request with the same `Idempotency-Key` gets the first response.
        """
        shared = state()
        return answer_once(
            shared, BatchAcceptedSchema, 202, lambda keep: submit_many_jobs(shared, request_body, keep=keep)
        )


@blueprint.route("/batches")
class Batches(MethodView):
    """List of batches."""

    @blueprint.arguments(BatchListQuerySchema, location="query")
    @blueprint.response(200, BatchPageSchema)
    @blueprint.refuses(_400="invalid_limit, invalid_offset, invalid_cursor")
    def get(self, query: dict[str, Any]) -> Any:
        """List batches, newest first."""
        return read_batches(state(), query)


@blueprint.route("/batches/<batch_id>")
class BatchById(MethodView):
    """One batch."""

    @blueprint.arguments(JobListQuerySchema(exclude=("batch_id",)), location="query")
    @blueprint.response(200, BatchDetailSchema)
    @blueprint.refuses(_400="as for GET /jobs", _404="not_found")
    def get(self, query: dict[str, Any], batch_id: str) -> Any:
        """Show the progress of a batch and a page of its jobs."""
        return read_batch(state(), batch_id, query)

    @blueprint.arguments(BatchChangeSchema)
    @blueprint.response(200, BatchRowSchema)
    @blueprint.refuses(_400="missing_field, invalid_name, invalid_tags, missing_batch_id, ...", _404="not_found")
    def patch(self, request_body: dict[str, Any], batch_id: str) -> Any:
        """Change name, description and tags of a batch, and whether its results become snapshots."""
        if not batch_id.strip():
            raise BadRequest("missing_batch_id", Text("the batch id is empty"))
        for tag in request_body.get("tags", ()):
            check_tag_name(tag, code="invalid_tags")
        return state().store.run_in_transaction(lambda session: change_batch(session, batch_id, request_body))

    @blueprint.done_after_commit
    @blueprint.response(204)
    @blueprint.refuses(_404="not_found", _409="jobs_not_terminal")
    def delete(self, batch_id: str) -> None:
        """Cancel unfinished jobs, wait up to 5 s for them to stop, and delete the batch with its runs and entries."""
        cancel_and_delete_batch(state(), batch_id, who=who())


@blueprint.route("/batches/<batch_id>/events")
class BatchEvents(MethodView):
    """Events of a batch."""

    @blueprint.streams_events("`counts` and `done`")
    def get(self, batch_id: str) -> Response:
        """Stream the progress of a batch. Last-Event-ID resumes an interrupted stream."""
        shared = state()
        return respond(shared, batch_feed(shared, batch_id, last_event_id=last_event_id()))


@blueprint.route("/batches/<batch_id>/export")
class BatchExport(MethodView):
    """A batch as a file."""

    @blueprint.arguments(ExportQuerySchema, location="query")
    @blueprint.response(200, {"type": "string"}, content_type=MEDIA_TYPES["jsonl"])
    @blueprint.alt_response(200, schema={"type": "string"}, content_type=MEDIA_TYPES["csv"], success=True)
    @blueprint.alt_response(
        200, schema={"type": "string", "format": "binary"}, content_type=MEDIA_TYPES["parquet"], success=True
    )
    @blueprint.refuses(
        _400="invalid_format, invalid_content, invalid_after, invalid_limit",
        _404="not_found",
        _501="not_installed: the extra `parquet`",
        _503="too_many_streams",
    )
    def get(self, query: dict[str, Any], batch_id: str) -> Response:
        """Return all jobs of a batch, or all entries of its runs, as JSON lines, CSV or Parquet, in order of ID.

        `after` with the `id` of the last row that arrived continues a download.
        """
        return export_batch(state(), batch_id, query)


@blueprint.route("/batches/<batch_id>/delete-preview")
class DeletePreview(MethodView):
    """Preview of a deletion."""

    @blueprint.response(200, DeletePreviewSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, batch_id: str) -> Any:
        """Count the objects that the deletion of a batch would remove."""
        return read_deletion_preview(state(), batch_id)


@blueprint.route("/batches/<batch_id>/cancel")
class CancelBatch(MethodView):
    """Cancellation of a batch."""

    @blueprint.done_after_commit
    @blueprint.response(200, CanceledBatchSchema)
    @blueprint.alt_response(202, **ACCEPTED)
    @blueprint.refuses(_404="not_found")
    def post(self, batch_id: str) -> Any:
        """Cancel all waiting and running jobs of a batch."""
        done = cancel_whole_batch(state(), batch_id, who=who())
        if isinstance(done, Operation):
            return accepted(done)
        return {"batch_id": batch_id, "canceled": done.canceled, "stopping": done.stopping}


@blueprint.route("/batches/<batch_id>/rerun")
class RerunBatch(MethodView):
    """Rerun of a batch."""

    @blueprint.arguments(RerunSchema)
    @blueprint.response(202, RerunAcceptedSchema)
    @blueprint.refuses(_404="not_found", _409="nothing_to_repeat, idempotency_conflict, reference_gone")
    @blueprint.submits(invalid="invalid_only, options_too_large")
    def post(self, request_body: dict[str, Any], batch_id: str) -> Any:
        """Queue a new batch with the domains of the failed, canceled or all runs of a batch.

        The new batch has the tags and the snapshot intent of the old one. A repeated request with the same
        `Idempotency-Key` gets the first response.
        """
        shared, only = state(), request_body["which"]

        def submit(keep: Keep) -> dict[str, Any]:
            def write(session: Session, submitted: SubmittedBatch) -> None:
                keep(session, _answer(submitted))

            return _answer(rerun_batch(shared.queue, batch_id, only=only, who=who(), write=write))

        return answer_once(shared, RerunAcceptedSchema, 202, submit)


def _answer(submitted: SubmittedBatch) -> dict[str, Any]:
    return {"batch_id": submitted.batch.id, "job_ids": list(submitted.job_ids), "job_count": submitted.job_count}


@blueprint.route("/batches/<batch_id>/tag-values")
class TagValues(MethodView):
    """Values of one argument in a batch."""

    @blueprint.arguments(TagValuesQuerySchema, location="query")
    @blueprint.response(200, TagValuesSchema)
    @blueprint.refuses(
        _400="missing_tag, missing_arg, invalid_min_count, ...",
        _404="not_found",
        _409="batch_not_complete",
        _503="statistics_pending, store_unavailable",
    )
    def get(self, query: dict[str, Any], batch_id: str) -> Any:
        """Group the values of one argument of one message tag across a finished batch, up to 64 KiB each."""
        return read_tag_values(state(), batch_id, query)
