"""Schemas of domains and filters of their list."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, JsonBoolean, LevelName, level_of, named
from gonemaster_api.rest.paging import PagingSchema, page_schema
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_db.domains.domain_list import DOMAIN_SORT, SORTS
from gonemaster_db.models import RunStatus
from gonemaster_engine.findings.causes.registry import RULE_BY_ID


class DomainSchema(ma.Schema):
    """A domain with the status, level and score of its latest run."""

    id = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    latest_run_id = ma.fields.String(required=True, allow_none=True)
    latest_run_at = Instant(required=True, allow_none=True)
    latest_status = named(RunStatus, allow_none=True)
    latest_level = level_of(allow_none=True)
    latest_score = ma.fields.Integer(required=True, allow_none=True)
    latest_grade = ma.fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    run_count = ma.fields.Integer(required=True)
    tags = ma.fields.List(ma.fields.String(), required=True)


class DomainsOfTagQuerySchema(PagingSchema):
    """The domains of a tag to list."""

    name = ma.fields.String(validate=validate.Length(max=255), metadata={"description": "substring of the name"})
    level = LevelName(metadata={"description": "exact level of the latest run"})
    min_level = LevelName(levels=("WARNING", "ERROR", "CRITICAL"))
    cause = ma.fields.String(
        validate=validate.OneOf(list(RULE_BY_ID)), metadata={"description": "a root cause of the latest run"}
    )
    sort = ma.fields.String(load_default=DOMAIN_SORT, validate=validate.OneOf(sorted(SORTS)))


class DomainQuerySchema(DomainsOfTagQuerySchema):
    """The domains to list."""

    tag = ma.fields.String(
        validate=validate.Length(max=255), metadata={"description": "domain tag; `__none__` lists domains without one"}
    )


class PruneSchema(RequestSchema):
    """The domains without runs to delete; `dry_run` only counts them."""

    example: ClassVar = {"tag": "old", "without_runs": True, "dry_run": True}

    tag = ma.fields.String(allow_none=True, validate=validate.Length(1, 255), metadata={"description": "a domain tag"})
    without_runs = JsonBoolean(required=True, metadata={"description": "must be true"})
    dry_run = JsonBoolean(load_default=False)


class PrunedDomainsSchema(ma.Schema):
    """Number of domains that were deleted, or would be deleted with `dry_run`."""

    pruned_domains = ma.fields.Integer(required=True)
    dry_run = ma.fields.Boolean(required=True)


DomainPageSchema = page_schema(DomainSchema, "Domain", sort=ma.fields.String(required=True))
