"""Schemas of uploads and sweeps."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, JsonBoolean, JsonInteger
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.rest.plain_text import PlainName, PlainText
from gonemaster_api.v1.jobs.schemas import RunOptionsSchema
from gonemaster_db.batches.uploads import MAX_PARTS
from gonemaster_db.models import Keep


class NewUploadSchema(RequestSchema):
    """A request to begin an upload."""

    example: ClassVar = {"name": "se.txt.gz"}

    name = PlainName(
        allow_none=True, validate=validate.Length(max=255), metadata={"description": "shown in the list of uploads"}
    )


class PartSchema(ma.Schema):
    """A part that has arrived."""

    number = ma.fields.Integer(required=True)
    size = ma.fields.Integer(required=True, metadata={"description": "bytes"})
    sha256 = ma.fields.String(required=True, metadata={"description": "in hexadecimal"})


class UploadSchema(ma.Schema):
    """An upload and the parts that have arrived."""

    upload_id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    created_at = Instant(required=True)
    expires_at = Instant(required=True, metadata={"description": "renewed by each part"})
    is_complete = ma.fields.Boolean(required=True, metadata={"description": "a batch is being filled from it"})
    size = ma.fields.Integer(required=True, metadata={"description": "bytes of all parts"})
    max_part_size = ma.fields.Integer(required=True, metadata={"description": "bytes"})
    parts = ma.fields.List(ma.fields.Nested(PartSchema), required=True, metadata={"description": "in order"})


class NewSweepSchema(RunOptionsSchema):
    """A request to test the names of an upload or a file."""

    example: ClassVar = {"upload_id": "upload_0001", "parts": 25, "name": "se, December", "tags": ["se"]}

    upload_id = ma.fields.String(allow_none=True, validate=validate.Length(1, 64))
    parts = JsonInteger(
        allow_none=True,
        validate=validate.Range(1, MAX_PARTS),
        metadata={"description": "number of parts of the upload, so that a missing last part is noticed"},
    )
    file = ma.fields.String(
        allow_none=True,
        validate=validate.Length(1, 1000),
        metadata={"description": "path below the folder of the setting `sweep_files`, in place of an upload"},
    )
    name = PlainName(allow_none=True, validate=validate.Length(max=255))
    description = PlainText(allow_none=True, validate=validate.Length(max=10_000))
    snapshot_intent = JsonBoolean(allow_none=True)
    promote_snapshot_default = JsonBoolean(allow_none=True)
    keep = ma.fields.String(
        allow_none=True,
        validate=validate.OneOf([str(keep) for keep in Keep]),
        metadata={"description": "what is kept of the runs once their facts are written, as for `POST /jobs/batch`"},
    )
    skip_invalid = JsonBoolean(
        allow_none=True, metadata={"description": "queue the valid names and report the invalid ones"}
    )
