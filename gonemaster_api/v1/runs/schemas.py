"""Schemas of runs and filters of their list."""

from typing import Any

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, LevelName, QueryBoolean, level_of
from gonemaster_api.rest.paging import PagingSchema, page_schema
from gonemaster_api.rest.parsing import QuerySchema
from gonemaster_api.v1.causes.schemas import CauseChangesSchema
from gonemaster_api.v1.jobs.measure_schemas import NameserverTimingSchema
from gonemaster_api.v1.jobs.schemas import SeverityTotalsSchema, least_attempts, least_duration
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.domains.models.policies import VERDICTS
from gonemaster_db.models import Keep, RunStatus
from gonemaster_db.runs.sort_keys import RUN_SORT, SORTS
from gonemaster_engine.findings.causes.registry import RULE_BY_ID

STATUSES = tuple(map(str, RunStatus))


class RunSchema(ma.Schema):
    """A run."""

    id = ma.fields.String(required=True)
    domain_id = ma.fields.Integer(required=True)
    domain = ma.fields.String(required=True)
    batch_id = ma.fields.String(required=True, allow_none=True)
    public_id = ma.fields.String(required=True, allow_none=True)
    status = ma.fields.String(required=True, metadata={"enum": list(STATUSES)})
    worker = ma.fields.String(required=True, allow_none=True)
    attempt = ma.fields.Integer(required=True, metadata={"description": "number of starts"})
    created_at = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True)
    duration_ms = ma.fields.Integer(required=True, allow_none=True)
    sev_notice = ma.fields.Integer(required=True)
    sev_warning = ma.fields.Integer(required=True)
    sev_error = ma.fields.Integer(required=True)
    sev_critical = ma.fields.Integer(required=True)
    severity_totals = ma.fields.Nested(SeverityTotalsSchema, required=True)
    worst_level = level_of(allow_none=True)
    entry_count = ma.fields.Integer(required=True)
    priority = ma.fields.Integer(required=True)
    profile = ma.fields.String(required=True)
    profile_id = ma.fields.Integer(required=True, allow_none=True)
    profile_name = ma.fields.String(required=True)
    effective_profile = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "JSON text; null in lists"}
    )
    nameserver_timings = ma.fields.List(
        ma.fields.Nested(NameserverTimingSchema), allow_none=True, metadata={"description": "not in lists"}
    )
    score = ma.fields.Integer(allow_none=True)
    grade = ma.fields.String(allow_none=True)
    policy = ma.fields.String(required=True, allow_none=True)
    policy_version = ma.fields.String(required=True, allow_none=True)
    verdict = ma.fields.String(required=True, allow_none=True, metadata={"enum": [*VERDICTS, None]})
    error = ma.fields.String(required=True)
    kept = ma.fields.String(metadata={"enum": list(map(str, Keep)), "description": "not in lists; as in the result"})


class RunSortSchema(PagingSchema):
    """Order and page of a list of runs."""

    sort = ma.fields.String(load_default=RUN_SORT, validate=validate.OneOf(sorted(SORTS)))


class JudgedRunQuerySchema(RunSortSchema):
    """The runs to list, by their verdicts."""

    policy = ma.fields.String(validate=validate.Length(1, 64))
    verdict = ma.fields.String(validate=validate.OneOf(VERDICTS), metadata={"description": "of the policy"})


class RunQuerySchema(JudgedRunQuerySchema):
    """The runs to list."""

    tag = ma.fields.String(validate=validate.Length(max=255), metadata={"description": "a domain tag"})
    event_tag = ma.fields.String(validate=validate.Length(max=64), metadata={"description": "a message tag"})
    domain = ma.fields.String(validate=validate.Length(max=255), metadata={"description": "substring of the name"})
    domain_exact = ma.fields.String(validate=validate.Length(max=255))
    batch = ma.fields.String(validate=validate.Length(max=64))
    status = ma.fields.String(validate=validate.OneOf(STATUSES))
    level = LevelName(levels=LEVELS)
    grade = ma.fields.String(validate=validate.Length(max=4))
    cause = ma.fields.String(validate=validate.OneOf(list(RULE_BY_ID)), metadata={"description": "a root cause"})
    finished_after = Instant()
    finished_before = Instant()
    min_duration_ms = least_duration()
    min_attempts = least_attempts()


RunPageSchema = page_schema(RunSchema, "Run", sort=ma.fields.String(required=True))


class LineArguments(ma.fields.Dict):
    """The arguments of an entry; a worst level has no arguments."""

    def get_value(self, obj: Any, attr: str, accessor: Any = None, default: Any = ma.missing) -> Any:
        """Return the arguments, or the value that omits the member."""
        return ma.missing if obj.raw is None else obj.args


class LineSchema(ma.Schema):
    """Level and arguments of an entry, or the worst level of a finding."""

    level = ma.fields.String(required=True, metadata={"enum": list(LEVELS)})
    args = LineArguments(metadata={"description": "only with args=true"})


class FindingChangeSchema(ma.Schema):
    """A message tag of one test case, before and after: its worst level, or with `args=true` all its entries."""

    module = ma.fields.String(required=True)
    testcase = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    before = ma.fields.List(ma.fields.Nested(LineSchema), required=True)
    after = ma.fields.List(ma.fields.Nested(LineSchema), required=True)


class DifferenceSchema(ma.Schema):
    """Findings that were added, cleared or changed."""

    added = ma.fields.List(ma.fields.Nested(FindingChangeSchema), required=True)
    cleared = ma.fields.List(ma.fields.Nested(FindingChangeSchema), required=True)
    changed = ma.fields.List(ma.fields.Nested(FindingChangeSchema), required=True)


class RunDifferenceSchema(DifferenceSchema):
    """Root causes that appeared or were cleared, and findings that were added, cleared or changed."""

    causes = ma.fields.Nested(CauseChangesSchema, required=True)


class DiffQuerySchema(QuerySchema):
    """Lowest level of the entries to compare, and whether to compare their arguments."""

    min_level = LevelName(load_default="INFO")
    args = QueryBoolean(
        load_default=False, metadata={"description": "compare all entries with their arguments, not the worst levels"}
    )


class RunDiffQuerySchema(DiffQuerySchema):
    """The findings to compare, and the language of the root causes."""

    locale = ma.fields.String(load_default="en", validate=validate.Length(max=35))
