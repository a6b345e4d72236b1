"""Schemas of the comparison of two batches."""

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, LevelName, QueryBoolean, QueryInteger
from gonemaster_api.rest.paging import MAX_LIMIT
from gonemaster_api.rest.parsing import QuerySchema
from gonemaster_api.v1.causes.schemas import CauseDomainsSchema, CauseNamesSchema
from gonemaster_api.v1.runs.schemas import STATUSES, DifferenceSchema
from gonemaster_db.batches.batch_comparison import ChangeKind
from gonemaster_db.core.levels import LEVELS

KINDS = tuple(map(str, ChangeKind))


class BatchDiffQuerySchema(QuerySchema):
    """The differences to list; `after` continues after the last domain of a page."""

    min_level = LevelName(load_default="NOTICE", metadata={"description": "lowest level of the findings to compare"})
    args = QueryBoolean(
        load_default=False, metadata={"description": "compare all entries with their arguments, not the worst levels"}
    )
    kind = ma.fields.String(validate=validate.OneOf(KINDS), metadata={"description": "only differences of this kind"})
    cause = ma.fields.String(
        load_default="",
        validate=validate.Length(max=64),
        metadata={"description": "only domains for which this root cause appeared or was cleared"},
    )
    limit = QueryInteger(load_default=100, validate=validate.Range(1, MAX_LIMIT))
    after = ma.fields.String(
        load_default="", validate=validate.Length(max=255), metadata={"description": "next_after of the previous page"}
    )


class ComparedBatchSchema(ma.Schema):
    """One of the two batches."""

    batch_id = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    created_at = Instant(required=True)
    status = ma.fields.String(required=True, metadata={"enum": ["running", "done"]})


class BatchComparisonSchema(ma.Schema):
    """Numbers of domains, regardless of filters; worst levels consider findings at NOTICE and above."""

    before = ma.fields.Integer(required=True, metadata={"description": "finished in the first batch"})
    after = ma.fields.Integer(required=True)
    in_both = ma.fields.Integer(required=True)
    only_before = ma.fields.Integer(required=True)
    only_after = ma.fields.Integer(required=True)
    same = ma.fields.Integer(required=True)
    differing = ma.fields.Integer(required=True)
    not_comparable = ma.fields.Integer(required=True, metadata={"description": "one of the two runs did not succeed"})


class SideSchema(ma.Schema):
    """The run of a domain in one batch."""

    run_id = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": list(STATUSES)})


class DomainDifferenceSchema(DifferenceSchema):
    """A domain whose runs differ; findings are present only if both succeeded."""

    domain = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, metadata={"enum": list(KINDS)})
    before = ma.fields.Nested(SideSchema, required=True, allow_none=True)
    after = ma.fields.Nested(SideSchema, required=True, allow_none=True)
    causes = ma.fields.Nested(CauseNamesSchema, required=True)


class BatchDiffSchema(ma.Schema):
    """A page of differences by domain."""

    before = ma.fields.Nested(ComparedBatchSchema, required=True)
    after = ma.fields.Nested(ComparedBatchSchema, required=True)
    min_level = ma.fields.String(required=True, metadata={"enum": list(LEVELS)})
    counts = ma.fields.Nested(
        BatchComparisonSchema, metadata={"description": "only on the first page, the one without `after`"}
    )
    causes = ma.fields.List(
        ma.fields.Nested(CauseDomainsSchema),
        metadata={"description": "root causes whose domains changed; only on the first page"},
    )
    items = ma.fields.List(ma.fields.Nested(DomainDifferenceSchema), required=True)
    limit = ma.fields.Integer(required=True)
    next_after = ma.fields.String(metadata={"description": "`after` of the next page; absent only on the last page"})
