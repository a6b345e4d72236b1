"""Schemas of operations, and the response that announces an operation."""

from typing import Any

import marshmallow as ma
from flask import Response, jsonify
from marshmallow import validate

from gonemaster_api.rest.fields import Instant
from gonemaster_api.rest.paging import PagingSchema, page_schema
from gonemaster_db.models import Operation, OperationKind, OperationStatus

_KINDS = [kind.value for kind in OperationKind]
_STATUSES = [status.value for status in OperationStatus]


class OperationSchema(ma.Schema):
    """A change of many rows, performed in the background."""

    id = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, metadata={"enum": _KINDS})
    target = ma.fields.String(required=True, metadata={"description": "id or name of what is changed"})
    status = ma.fields.String(required=True, metadata={"enum": _STATUSES})
    done = ma.fields.Integer(required=True, metadata={"description": "rows changed so far"})
    total = ma.fields.Integer(required=True, metadata={"description": "rows to change, counted at the start"})
    result = ma.fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "response body that the request would have had; null until the operation ends"},
    )
    error = ma.fields.String(required=True, metadata={"description": "reason of the failure, otherwise empty"})
    attempts = ma.fields.Integer(
        required=True,
        metadata={"description": "starts since the last progress; the operation fails after max_attempts starts"},
    )
    who = ma.fields.String(required=True)
    created_at = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)


class OperationListQuerySchema(PagingSchema):
    """The operations to list."""

    status = ma.fields.String(validate=validate.OneOf(_STATUSES))
    kind = ma.fields.String(validate=validate.OneOf(_KINDS))


OperationPageSchema = page_schema(OperationSchema, "Operation")

# The 202 response of a view whose change may be too large for one request.
ACCEPTED: dict[str, Any] = {
    "schema": OperationSchema,
    "description": "more than 10,000 rows: an operation was started",
    "success": True,
    "headers": {"Location": {"description": "path of the operation", "required": True, "schema": {"type": "string"}}},
}


def accepted(operation: Operation) -> Response:
    """Return 202 with the operation and the path that shows its progress."""
    response = jsonify(OperationSchema().dump(operation))
    response.status_code = 202
    response.headers["Location"] = f"/api/v1/operations/{operation.id}"
    return response
