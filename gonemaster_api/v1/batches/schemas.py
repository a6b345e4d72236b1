"""Requests for batches, and batches as the API shows them."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, validate

from gonemaster_api.fields import Instant, JsonBoolean
from gonemaster_api.v1.jobs.schemas import RunOptionsSchema


class NameList(ma.fields.List[Any]):
    """A list of names, perhaps a million: its items are looked at once, where they are normalised."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ma.fields.String(), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError("must be a list of names")
        return value


class NewBatchSchema(RunOptionsSchema):
    """A request to test many domains."""

    domains = NameList(allow_none=True, metadata={"example": ["example.com", "example.net"]})
    from_tag = ma.fields.String(allow_none=True, validate=validate.Length(1, 255))
    description = ma.fields.String(allow_none=True, validate=validate.Length(max=10_000))
    snapshot_intent = JsonBoolean(allow_none=True)
    promote_snapshot_default = JsonBoolean(allow_none=True)
    skip_invalid = JsonBoolean(allow_none=True, metadata={"description": "queue the good names and report the others"})
    nameservers = ma.fields.Raw(allow_none=True, metadata={"description": "refused: a batch cannot be undelegated"})
    ds_info = ma.fields.Raw(allow_none=True, metadata={"description": "refused: a batch cannot be undelegated"})


class LeftOutSchema(ma.Schema):
    """A name of the list that was not queued."""

    index = ma.fields.Integer(required=True)
    domain = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)


class BatchAcceptedSchema(ma.Schema):
    """The answer to a batch."""

    batch_id = ma.fields.String(required=True)
    job_ids = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "in order; empty above 10,000 jobs"}
    )
    job_count = ma.fields.Integer(required=True)
    duplicate_count = ma.fields.Integer(required=True)
    duplicates = ma.fields.List(
        ma.fields.Nested(LeftOutSchema), required=True, metadata={"description": "the first 100, queued once"}
    )
    invalid_count = ma.fields.Integer(required=True)
    invalid = ma.fields.List(
        ma.fields.Nested(LeftOutSchema),
        required=True,
        metadata={"description": "the first 100, only with skip_invalid"},
    )


class BatchSchema(ma.Schema):
    """A batch and how far it is."""

    batch_id = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": ["running", "done"]})
    total = ma.fields.Integer(required=True)
    completed = ma.fields.Integer(required=True)
    completion = ma.fields.Float(required=True, metadata={"description": "percent"})
    created_at = Instant(required=True)
    finished_at = Instant(required=True, allow_none=True)
    origin = ma.fields.String(required=True)
