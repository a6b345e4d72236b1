"""Schemas of requests for public jobs, and of public jobs."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.queries.jobs.public_jobs import MAX_ASNS
from gonemaster_api.rest.fields import Instant, JsonBoolean, LevelName, positive_id
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.use_cases.submission.public import MAX_TESTS
from gonemaster_api.v1.jobs.schemas import MAX_UNDELEGATED, STATUSES, DsSchema, JobResultSchema, NameserverSchema
from gonemaster_db.core.levels import LEVELS
from gonemaster_engine.run.as_names import MAX_LABEL

_LEVELS = LEVELS[LEVELS.index("INFO") :]


class NewPublicJobSchema(RequestSchema):
    """A request to test one domain."""

    example: ClassVar = {"domain": "example.com", "tests": ["basic", "zone"], "min_level": "NOTICE"}
    error_codes: ClassVar = {
        "nameservers": "invalid_undelegated",
        "ds_info": "invalid_undelegated",
        "profile_overrides": "profile_overrides_not_allowed",
    }

    domain = ma.fields.String(required=True, metadata={"example": "example.com"})
    tests = ma.fields.List(
        ma.fields.String(validate=validate.Length(1, 64)),
        allow_none=True,
        metadata={"description": "test case ids or module names; all test cases if absent", "maxItems": MAX_TESTS},
    )
    profile_id = positive_id(allow_none=True, metadata={"description": "ID of a profile from GET /profiles"})
    profile_overrides = ma.fields.Dict(
        keys=ma.fields.String(), allow_none=True, metadata={"description": "not allowed", "maxProperties": 0}
    )
    min_level = LevelName(levels=_LEVELS, allow_none=True)
    nameservers = ma.fields.List(
        ma.fields.Nested(NameserverSchema), validate=validate.Length(max=MAX_UNDELEGATED), allow_none=True
    )
    ds_info = ma.fields.List(ma.fields.Nested(DsSchema), validate=validate.Length(max=MAX_UNDELEGATED), allow_none=True)
    ipv4_disabled = JsonBoolean(allow_none=True)
    ipv6_disabled = JsonBoolean(allow_none=True)
    profile = ma.fields.String(
        allow_none=True, validate=validate.Length(max=255), metadata={"description": "accepted, unused"}
    )


class PublicJobSchema(ma.Schema):
    """A waiting, running or finished job."""

    public_id = ma.fields.String(required=True, metadata={"example": "4fT0aZq81LmX"})
    domain = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": list(STATUSES)})
    progress = ma.fields.Integer(required=True, metadata={"minimum": 0, "maximum": 100})
    finished_at = Instant(metadata={"description": "absent until the job has finished"})


class PublicJobResultSchema(JobResultSchema):
    """The result of a run; `job_id` is the public id."""

    class Meta:
        """Exclude the batch, because public jobs do not belong to a batch."""

        exclude = ("batch_id",)


class AsnNameSchema(ma.Schema):
    """The holder of an AS; unknown values are empty."""

    asn = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    handle = ma.fields.String(required=True)
    country = ma.fields.String(required=True, metadata={"description": "code of ISO 3166"})
    label = ma.fields.String(
        required=True, metadata={"maxLength": MAX_LABEL, "example": "EXAMPLE-AS - Example Networks, SE"}
    )


class AsnNamesSchema(ma.Schema):
    """The holders of the ASes in a result."""

    complete = ma.fields.Boolean(
        required=True,
        metadata={"description": "whether all lookups are complete; if not, repeat the request in a few seconds"},
    )
    asns = ma.fields.List(ma.fields.Nested(AsnNameSchema), required=True, metadata={"maxItems": MAX_ASNS})
