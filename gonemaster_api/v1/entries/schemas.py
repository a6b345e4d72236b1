"""Schemas of entries across runs and filters of their list."""

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import MAX_ID, LevelName, QueryInteger
from gonemaster_api.rest.paging import PagingSchema, page_schema
from gonemaster_db.core.levels import LEVELS


class EntrySchema(ma.Schema):
    """One entry of a run."""

    id = ma.fields.Integer(required=True)
    run_id = ma.fields.String(required=True)
    domain_id = ma.fields.Integer(required=True)
    domain = ma.fields.String(required=True)
    timestamp = ma.fields.Float(required=True)
    module = ma.fields.String(required=True)
    testcase = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    level = ma.fields.String(required=True, metadata={"enum": list(LEVELS)})
    args = ma.fields.Dict(required=True)


class EntryQuerySchema(PagingSchema):
    """The entries to list; `after` continues after the last entry of a page, equally fast at any depth."""

    run = ma.fields.String(validate=validate.Length(max=64))
    domain = QueryInteger(validate=validate.Range(1, MAX_ID), metadata={"description": "domain id"})
    tag = ma.fields.String(validate=validate.Length(max=255), metadata={"description": "a domain tag"})
    module = ma.fields.String(validate=validate.Length(max=32))
    testcase = ma.fields.String(validate=validate.Length(max=32))
    entry_tag = ma.fields.String(validate=validate.Length(max=64), metadata={"description": "a message tag"})
    level = LevelName()
    latest = ma.fields.Boolean(load_default=False, metadata={"description": "only the latest run of each domain"})
    batch = ma.fields.String(validate=validate.Length(max=64))
    after = ma.fields.String(
        validate=validate.Length(max=100), metadata={"description": "next_after of the previous page"}
    )
    format = ma.fields.String(load_default="json", validate=validate.OneOf(("json", "csv")))


EntryPageSchema = page_schema(
    EntrySchema,
    "Entry",
    total_is_least=ma.fields.Boolean(
        required=True, metadata={"description": "true if counting stopped at `total` and there are more"}
    ),
    next_after=ma.fields.String(metadata={"description": "`after` of the next page; absent on the last one"}),
)
