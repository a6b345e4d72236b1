"""Schemas of requests and documents about batches."""

from collections.abc import Mapping
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import ValidationError, validate

from gonemaster_api.queries.batches.export import Content
from gonemaster_api.queries.batches.files import MEDIA_TYPES
from gonemaster_api.rest.fields import Instant, JsonBoolean, QueryInteger
from gonemaster_api.rest.json_pieces import ValueList
from gonemaster_api.rest.paging import cursor_field, page_schema
from gonemaster_api.rest.parsing import QuerySchema, RequestSchema
from gonemaster_api.rest.plain_text import PlainName, PlainText
from gonemaster_api.v1.jobs.schemas import EstimateSchema, JobSchema, RunOptionsSchema
from gonemaster_db.batches.batches import BATCH_SORTS
from gonemaster_db.core.states import Keep
from gonemaster_db.domains.models.policies import VERDICTS
from gonemaster_engine.texts import Text

_REJECTED = {"type": "array", "items": {"type": "object"}, "description": "rejected: a batch cannot be undelegated"}


_KEPT = [str(keep) for keep in Keep]


class NameList(ma.fields.List[Any]):
    """A list of up to a million names; the code that normalises the names also validates them."""

    def __init__(self, **kwargs: Any) -> None:
        # The item field only describes the items in the API document.
        super().__init__(ma.fields.String(validate=validate.Length(min=1)), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, list | ValueList):
            raise ValidationError(Text("must be a list of strings"))
        return value


class NewBatchSchema(RunOptionsSchema):
    """A request to test many domains."""

    unread: ClassVar = "domains"
    example: ClassVar = {"domains": ["example.com", "example.net"], "description": "before the move", "tags": ["mine"]}

    domains = NameList(allow_none=True, metadata={"example": ["example.com", "example.net"]})
    from_tag = ma.fields.String(allow_none=True, validate=validate.Length(1, 255))
    name = PlainName(allow_none=True, validate=validate.Length(max=255))
    description = PlainText(allow_none=True, validate=validate.Length(max=10_000))
    snapshot_intent = JsonBoolean(allow_none=True)
    promote_snapshot_default = JsonBoolean(allow_none=True)
    keep = ma.fields.String(
        allow_none=True,
        validate=validate.OneOf(_KEPT),
        metadata={
            "description": "what is kept of the runs once their facts are written; default: what the cohorts of its"
            " tags say, or the setting `database.keep_runs`"
        },
    )
    skip_invalid = JsonBoolean(
        allow_none=True, metadata={"description": "queue the valid names and report the invalid ones"}
    )
    nameservers = ma.fields.Raw(allow_none=True, metadata=_REJECTED)
    ds_info = ma.fields.Raw(allow_none=True, metadata=_REJECTED)


class LeftOutSchema(ma.Schema):
    """A domain that was not queued."""

    index = ma.fields.Integer(required=True)
    domain = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)


class BatchAcceptedSchema(ma.Schema):
    """The response to a submitted batch."""

    batch_id = ma.fields.String(required=True)
    job_ids = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "in the order of submission; empty above 10,000 jobs"},
    )
    job_count = ma.fields.Integer(required=True)
    duplicate_count = ma.fields.Integer(required=True)
    duplicates = ma.fields.List(
        ma.fields.Nested(LeftOutSchema),
        required=True,
        metadata={"description": "the first 100; each name is queued once"},
    )
    invalid_count = ma.fields.Integer(required=True)
    invalid = ma.fields.List(
        ma.fields.Nested(LeftOutSchema),
        required=True,
        metadata={"description": "the first 100; only with skip_invalid"},
    )


class BatchSummarySchema(EstimateSchema):
    """A batch in a list. Position and expected start refer to its next job, the expected finish to its last job."""

    batch_id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    tags = ma.fields.List(ma.fields.String(), required=True)
    description = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": ["running", "done"]})
    total = ma.fields.Integer(required=True)
    completed = ma.fields.Integer(required=True, metadata={"description": "including `purged_runs`"})
    purged_runs = ma.fields.Integer(
        required=True, metadata={"description": "number of purged results; counts and times still include them"}
    )
    completion = ma.fields.Float(required=True, metadata={"description": "percent"})
    created_at = Instant(required=True)
    finished_at = Instant(required=True, allow_none=True)
    origin = ma.fields.String(required=True)


class BatchDetailSchema(BatchSummarySchema):
    """A batch with its jobs. Counts cover all jobs; `total` and cursors cover the jobs that match the filters."""

    domain_count = ma.fields.Integer(required=True)
    snapshot_intent = ma.fields.Boolean(required=True)
    keep = ma.fields.String(required=True, metadata={"enum": _KEPT})
    reduced_runs = ma.fields.Integer(
        required=True, metadata={"description": "number of runs of which only a part was kept, purged ones included"}
    )
    started_at = Instant(required=True, allow_none=True)
    items = ma.fields.List(ma.fields.Nested(JobSchema), required=True)
    status_counts = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    grades = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    worst_levels = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    verdicts = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata={"description": "remaining runs by verdict of the policy; empty without a policy"},
    )
    limit = ma.fields.Integer(required=True)
    offset = ma.fields.Integer(required=True)
    sort = ma.fields.String(required=True)
    next_cursor = ma.fields.String()
    prev_cursor = ma.fields.String()


class BatchListQuerySchema(QuerySchema):
    """The batches to list; a `limit` above 100 is reduced to 100."""

    label = ma.fields.String(
        load_default="", validate=validate.Length(max=255), metadata={"description": "substring of the tag"}
    )
    search = ma.fields.String(
        load_default="",
        validate=validate.Length(max=255),
        metadata={"description": "substring of name, description or tags, or the beginning of the id"},
    )
    verdict = ma.fields.String(
        validate=validate.OneOf(VERDICTS), metadata={"description": "a remaining run has this verdict of its policy"}
    )
    sort = ma.fields.String(load_default="created_at_desc", validate=validate.OneOf(tuple(BATCH_SORTS)))
    limit = QueryInteger(load_default=20, validate=validate.Range(min=1))
    offset = QueryInteger(load_default=0, validate=validate.Range(0, 2**31 - 1))
    cursor = cursor_field()


BatchPageSchema = page_schema(BatchSummarySchema, "BatchSummary")


class BatchChangeSchema(RequestSchema):
    """The changeable properties of a batch; absent properties are unchanged."""

    missing_codes: ClassVar = {"snapshot_intent": "missing_field"}
    example: ClassVar = {"name": "before the move", "tags": ["mine"]}

    name = PlainName(validate=validate.Length(max=255))
    description = PlainText(validate=validate.Length(max=10_000))
    tags = ma.fields.List(
        ma.fields.String(validate=validate.Length(1, 255)),
        validate=validate.Length(max=100),
        metadata={"description": "the tags that it was made for; its snapshots belong to their cohorts"},
    )
    snapshot_intent = JsonBoolean()
    keep = ma.fields.String(
        validate=validate.OneOf(_KEPT), metadata={"description": "reduced runs do not become full again"}
    )

    @ma.validates_schema
    def _require_field(self, data: Mapping[str, Any], **_: object) -> None:
        if not data:
            raise ValidationError({"snapshot_intent": [Text("specify at least one property")]})


class BatchRowSchema(ma.Schema):
    """A batch without progress and jobs."""

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    tags = ma.fields.List(ma.fields.String(), required=True, attribute="tag_names")
    tag = ma.fields.String(required=True)
    created_at = Instant(required=True)
    domain_count = ma.fields.Integer(required=True)
    description = ma.fields.String(required=True)
    snapshot_intent = ma.fields.Boolean(required=True)
    keep = ma.fields.String(required=True, metadata={"enum": _KEPT})
    origin = ma.fields.String(required=True)


class ExportQuerySchema(QuerySchema):
    """The rows to export, and the form of the file."""

    format = ma.fields.String(load_default="jsonl", validate=validate.OneOf(tuple(MEDIA_TYPES)))
    content = ma.fields.String(
        load_default="runs",
        validate=validate.OneOf(tuple(map(str, Content))),
        metadata={"description": "a row for each job, or for each entry of the runs"},
    )
    after = ma.fields.String(
        validate=validate.Length(max=100), metadata={"description": "`id` of the last received row"}
    )
    limit = QueryInteger(
        validate=validate.Range(1, 2**31 - 1), metadata={"description": "maximum number of rows; default: all"}
    )


class DeletePreviewSchema(ma.Schema):
    """The objects that the deletion of a batch would remove."""

    batch_id = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    created_at = Instant(required=True)
    snapshot_intent = ma.fields.Boolean(required=True)
    exists = ma.fields.Boolean(required=True)
    queued_jobs = ma.fields.Integer(required=True)
    running_jobs = ma.fields.Integer(required=True)
    completed_runs = ma.fields.Integer(required=True)
    entries = ma.fields.Integer(required=True)
    fact_rows = ma.fields.Integer(required=True)
    snapshots = ma.fields.List(ma.fields.Dict(), required=True)


class CanceledBatchSchema(ma.Schema):
    """The effect of a cancellation: `canceled` jobs were waiting; `stopping` jobs stop within a second."""

    batch_id = ma.fields.String(required=True)
    canceled = ma.fields.Integer(required=True)
    stopping = ma.fields.Integer(required=True)


class RerunSchema(RequestSchema):
    """The runs of the batch to rerun."""

    optional_body = True
    example: ClassVar = {"only": "failed"}

    which = ma.fields.String(
        data_key="only", load_default="all", validate=validate.OneOf(("failed", "canceled", "all"))
    )


class RerunAcceptedSchema(ma.Schema):
    """The new batch."""

    batch_id = ma.fields.String(required=True)
    job_ids = ma.fields.List(ma.fields.String(), required=True)
    job_count = ma.fields.Integer(required=True)


class TagValuesQuerySchema(QuerySchema):
    """Message tag and argument to group by."""

    tag = ma.fields.String(required=True, validate=validate.Length(1, 64))
    arg = ma.fields.String(required=True, validate=validate.Length(1, 64))
    min_count = QueryInteger(load_default=1, validate=validate.Range(1, 2**31 - 1))
    limit = QueryInteger(load_default=50, validate=validate.Range(1, 500))
    weight_by_score = ma.fields.Boolean(load_default=False)


class TagValueSchema(ma.Schema):
    """A value and the domains that have it."""

    value = ma.fields.String(required=True)
    count = ma.fields.Integer(required=True, metadata={"description": "distinct domains"})
    avg_score = ma.fields.Float(allow_none=True)
    sample_domains = ma.fields.List(ma.fields.String(), required=True)


class TagValuesSchema(ma.Schema):
    """Values of one argument in a batch."""

    batch_id = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    arg = ma.fields.String(required=True)
    min_count = ma.fields.Integer(required=True)
    weight_by_score = ma.fields.Boolean(required=True)
    values = ma.fields.List(ma.fields.Nested(TagValueSchema), required=True, data_key="values", attribute="tag_values")
