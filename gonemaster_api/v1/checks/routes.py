"""Routes of checks before delegation."""

import time
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import Any

from flask import Response, request
from flask.views import MethodView

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.queries.batches.verdicts import VerdictExport, policies_of_batch, verdict_lines
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.idempotency import HEADER, REPLAYED, answer_once
from gonemaster_api.rest.parsing import refuse_compressed
from gonemaster_api.state import state
from gonemaster_api.use_cases.submission.check_batches import submit_checks
from gonemaster_api.use_cases.submission.checks import open_check
from gonemaster_api.v1.batches.schemas import BatchAcceptedSchema
from gonemaster_api.v1.checks.schemas import (
    DEFAULT_POLICY,
    BatchVerdictSchema,
    BatchVerdictsQuerySchema,
    CheckBatchQuerySchema,
    CheckRequestSchema,
    CheckSchema,
    DelegationSchema,
)
from gonemaster_api.v1.checks.waiting import CheckResponse
from gonemaster_api.web.asgi_responses import ASGI_RESPONSE
from gonemaster_api.web.body_limits import body_limit, read_blocks, spooled
from gonemaster_api.web.clients import client_key
from gonemaster_api.web.exporter import http_metrics
from gonemaster_api.web.request_deadlines import HAS_LEFT
from gonemaster_api.web.streaming import stream
from gonemaster_db.core.ids import is_job_id
from gonemaster_engine.texts import Text

JSON_LINES = ("application/jsonl", "application/x-ndjson")
_LINE = DelegationSchema()
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            JSON_LINES[0]: {
                "schema": {"type": "string"},
                "example": '{"domain": "example.com", "nameservers": [{"ns": "ns1.example.com", "ip": "198.41.0.4"}]}',
            }
        },
        "description": "one JSON object per line: `domain`, `nameservers` and optionally `ds_info`, as for a check",
    }
}

blueprint = Blueprint("checks", __name__, description="Checks of delegations before they are published")


@blueprint.route("/check")
class Check(MethodView):
    """A check before delegation."""

    @blueprint.arguments(CheckRequestSchema)
    @blueprint.response(200, CheckSchema)
    @blueprint.refuses(_429="too_many_client_streams")
    @blueprint.submits(
        invalid="missing_domain, invalid_domain, missing_nameservers, invalid_undelegated, private_undelegated_ip,"
        " policy_not_found, invalid_policy, unknown_parent, invalid_deadline_seconds"
    )
    def post(self, request_body: dict[str, Any]) -> Any:
        """Test a delegation before it is published, and answer with a verdict, at the latest at the deadline.

        The test runs in the slots of `reserved_check_slots` and in idle slots. The same check, or a repeated request
        with the same Idempotency-Key, joins the open one. A client that disconnects cancels the check.
        """
        shared, began = state(), time.monotonic()
        release = shared.seats.take(client_key())  # the number of clients that wait is limited
        try:
            check = open_check(shared, request_body)
        except BaseException:
            release()
            raise
        waiting = CheckResponse(shared, check, began, http_metrics().count_check, release)
        headers = {REPLAYED: "true"} if waiting.check.is_replayed else {}
        if HAS_LEFT not in request.environ:
            return waiting.wait_in_thread(), 200, headers
        request.environ[ASGI_RESPONSE] = waiting
        return Response(mimetype="application/json", headers=headers)


@blueprint.route("/checks/batch")
class CheckBatch(MethodView):
    """A batch of checks before delegation."""

    @blueprint.doc(**_BODY)
    @blueprint.arguments(CheckBatchQuerySchema, location="query")
    @blueprint.response(202, BatchAcceptedSchema)
    @blueprint.submits(
        invalid="as for a check, with the number of the line in the details; duplicate_domain, batch_too_large,"
        " options_too_large",
        query=CheckBatchQuerySchema,
    )
    def post(self, query: dict[str, Any]) -> Any:
        """Queue checks of many delegations as a batch. All lines are validated before anything is stored.

        The batch is like others: it can be followed, held, canceled, exported and compared. A repeated request with the
        same `Idempotency-Key` gets the first response.
        """
        if request.mimetype not in JSON_LINES:
            allowed = ", ".join(JSON_LINES)
            raise ApiError(415, "unsupported_media_type", Text("the body must be sent as {allowed}", allowed=allowed))
        refuse_compressed(request)
        shared = state()
        size = request.content_length or body_limit(shared.settings, request.path)
        with ExitStack() as files:
            blocks = read_blocks(request)
            if HEADER in request.headers:  # The digest that identifies a repeated request needs the whole body first.
                blocks = spooled(blocks, files.enter_context(TemporaryFile()))
            return answer_once(
                shared,
                BatchAcceptedSchema,
                202,
                lambda keep: submit_checks(shared, blocks, query, size=size, schema=_LINE, keep=keep),
            )


@blueprint.route("/checks/batch/<batch_id>")
class BatchVerdicts(MethodView):
    """The verdicts of a batch."""

    @blueprint.arguments(BatchVerdictsQuerySchema, location="query")
    @blueprint.response(200, BatchVerdictSchema, content_type=JSON_LINES[0], description="one JSON object per line")
    @blueprint.refuses(
        _400="invalid_after, policy_not_found, invalid_policy",
        _404="not_found",
        _409="not_checks",
        _503="too_many_streams",
    )
    def get(self, query: dict[str, Any], batch_id: str) -> Response:
        """Judge all runs of a batch by a policy, one JSON object per line, in order of ID.

        `after` with the `run_id` of the last line that arrived continues a download.
        """
        shared, after = state(), query["after"]
        if after and not is_job_id(after):
            raise BadRequest("invalid_after", Text("after must be a value from a previous page"))
        policy, run_with = policies_of_batch(shared, batch_id, query.get("policy"), DEFAULT_POLICY)
        export = VerdictExport(batch_id, policy, run_with, query["locale"], after)
        return stream(shared, verdict_lines(shared, export), mimetype=JSON_LINES[0])
