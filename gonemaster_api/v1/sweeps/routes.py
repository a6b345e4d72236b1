"""Routes of uploads and of sweeps: batches whose names come from an upload or a file."""

from typing import Any

from flask import Response, request
from flask.views import MethodView

from gonemaster_api.errors import ApiError
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.idempotency import answer_once
from gonemaster_api.state import state
from gonemaster_api.use_cases.submission import uploads
from gonemaster_api.use_cases.submission.sweeps import submit_sweep
from gonemaster_api.v1.operations.schemas import ACCEPTED, OperationSchema
from gonemaster_api.v1.sweeps.schemas import NewSweepSchema, NewUploadSchema, PartSchema, UploadSchema
from gonemaster_api.web.actor import who
from gonemaster_api.web.body_limits import MAX_PART, read_blocks
from gonemaster_engine.texts import Text

_OCTETS = "application/octet-stream"
_PART_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            _OCTETS: {"schema": {"type": "string", "format": "binary"}, "example": "example.com\nexample.net\n"}
        },
        "description": f"the next bytes of the file, at most {MAX_PART}",
    },
    "parameters": [
        {
            "in": "header",
            "name": "Content-Digest",
            "required": True,
            "schema": {"type": "string"},
            "description": "`sha-256=:BASE64:` (RFC 9530)",
        }
    ],
}

blueprint = Blueprint("sweeps", __name__, description="Batches from uploads and files, with millions of names")


@blueprint.route("/uploads")
class Uploads(MethodView):
    """Uploads in parts."""

    @blueprint.arguments(NewUploadSchema)
    @blueprint.response(201, UploadSchema)
    @blueprint.refuses(_400="invalid_name", _409="too_many_uploads")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Begin an upload. It expires `upload_lifetime` after its last part."""
        return uploads.begin_upload(state(), name=request_body.get("name") or "")

    @blueprint.response(200, UploadSchema(many=True))
    def get(self) -> Any:
        """List the uploads that have not expired, newest first, at most a hundred."""
        return uploads.read_uploads(state())


@blueprint.route("/uploads/<upload_id>")
class UploadById(MethodView):
    """One upload."""

    @blueprint.response(200, UploadSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, upload_id: str) -> Any:
        """Show which parts have arrived; a client that was interrupted sends the others."""
        return uploads.read_upload(state(), upload_id)

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found", _409="upload_in_use")
    def delete(self, upload_id: str) -> None:
        """Delete an upload that is not needed."""
        uploads.remove_upload(state(), upload_id)


@blueprint.route("/uploads/<upload_id>/parts/<int:number>")
class UploadPartByNumber(MethodView):
    """One part of an upload."""

    @blueprint.doc(**_PART_BODY)
    @blueprint.response(200, PartSchema)
    @blueprint.refuses(
        _400="invalid_part, invalid_digest, digest_mismatch",
        _404="not_found",
        _409="part_differs, upload_complete",
        _413="body_too_large, uploads_too_large",
        _415="unsupported_media_type",
        _503="store_unavailable",
    )
    def put(self, upload_id: str, number: int) -> Any:
        """Store a part. The parts may arrive in any order; the same part may arrive again."""
        if request.mimetype != _OCTETS:
            raise ApiError(415, "unsupported_media_type", Text("the body must be sent as {allowed}", allowed=_OCTETS))
        digest, content = request.headers.get("Content-Digest", ""), b"".join(read_blocks(request))
        return uploads.receive_part(state(), upload_id, number, content, digest=digest)


@blueprint.route("/sweeps")
class Sweeps(MethodView):
    """Batches from uploads and files."""

    @blueprint.arguments(NewSweepSchema)
    @blueprint.response(202, OperationSchema, headers=ACCEPTED["headers"], description="the operation")
    @blueprint.submits(
        invalid="ambiguous_source, invalid_file, missing_parts, invalid_tests, ...; of an upload also 404 not_found, "
        "409 upload_incomplete, upload_in_use"
    )
    def post(self, request_body: dict[str, Any]) -> Response | tuple[Any, int, dict[str, str]]:
        """Queue tests of all names of an upload or a file: JSON lines or text, plain or gzip.

        An operation checks all lines, then creates the batch with the ID in `target` and writes its jobs in chunks. If
        a line is invalid, the operation fails and queues nothing, unless `skip_invalid` is set.
        """
        shared = state()
        answer, status, headers = answer_once(
            shared, OperationSchema, 202, lambda keep: submit_sweep(shared, request_body, who=who(), keep=keep)
        )
        operation_id = answer["id"] if isinstance(answer, dict) else answer.id
        return answer, status, {**headers, "Location": f"/api/v1/operations/{operation_id}"}
