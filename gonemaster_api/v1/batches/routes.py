"""Batches: submit, list, look at."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.blueprint import Blueprint
from gonemaster_api.services import batches as service
from gonemaster_api.services.idempotency import answer_once
from gonemaster_api.state import state
from gonemaster_api.v1.batches.schemas import BatchAcceptedSchema, BatchSchema, NewBatchSchema

blueprint = Blueprint("batches", __name__, description="Many domains, submitted at once")


@blueprint.route("/jobs/batch")
class NewBatch(MethodView):
    """Submission."""

    @blueprint.arguments(NewBatchSchema)
    @blueprint.response(202, BatchAcceptedSchema)
    @blueprint.refuses(
        _400="missing_domain, invalid_domain, ambiguous_domains, undelegated_not_supported_for_batch, ...",
        _409="idempotency_conflict",
        _413="body_too_large",
        _415="unsupported_media_type",
        _503="broker_unavailable, store_unavailable",
    )
    def post(self, request_body: dict[str, Any]) -> Any:
        """Queue tests of many domains; all names are looked at before anything is written.

        With an `Idempotency-Key` a repeated request gets the first answer.
        """
        shared = state()
        return answer_once(
            shared, BatchAcceptedSchema, 202, lambda keep: service.submit(shared, request_body, keep=keep)
        )


@blueprint.route("/batches/<batch_id>")
class BatchById(MethodView):
    """One batch."""

    @blueprint.response(200, BatchSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, batch_id: str) -> Any:
        """Show how far a batch is."""
        return service.read(state(), batch_id)
