"""Schemas of checks before delegation."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.queries.runs.checks import REASONS
from gonemaster_api.rest.fields import Instant, JsonInteger
from gonemaster_api.rest.messages import Message
from gonemaster_api.rest.parsing import QuerySchema, RequestSchema
from gonemaster_api.rest.plain_text import PlainName, PlainText
from gonemaster_api.v1.causes.schemas import RootCauseSchema
from gonemaster_api.v1.jobs.schemas import MAX_UNDELEGATED, STATUSES, DsSchema, NameserverSchema
from gonemaster_db.core.levels import LEVELS
from gonemaster_engine.policies.verdict import PolicyResult

DEFAULT_POLICY = "registration"
MIN_DEADLINE_S, DEFAULT_DEADLINE_S, MAX_DEADLINE_S = 2, 10, 30
VERDICTS = [result.value for result in PolicyResult]


class DelegationSchema(RequestSchema):
    """A delegation that a registry is about to publish."""

    error_codes: ClassVar = {"nameservers": "invalid_undelegated", "ds_info": "invalid_undelegated"}
    missing_codes: ClassVar = {"nameservers": "missing_nameservers"}

    domain = ma.fields.String(required=True, metadata={"example": "example.com"})
    nameservers = ma.fields.List(
        ma.fields.Nested(NameserverSchema),
        required=True,
        validate=validate.Length(1, MAX_UNDELEGATED, error=Message("must have from {min} to {max} items")),
        metadata={"description": "one item per address; without `ip` the name is resolved"},
    )
    ds_info = ma.fields.List(ma.fields.Nested(DsSchema), validate=validate.Length(max=MAX_UNDELEGATED), allow_none=True)


class CheckRequestSchema(DelegationSchema):
    """A check before delegation."""

    example: ClassVar = {
        "domain": "example.com",
        "nameservers": [
            {"ns": "ns1.example.com", "ip": "198.41.0.4"},
            {"ns": "ns2.example.net", "ip": "199.9.14.201"},
        ],
        "policy": DEFAULT_POLICY,
        "deadline_seconds": DEFAULT_DEADLINE_S,
    }

    policy = ma.fields.String(load_default=DEFAULT_POLICY, validate=validate.Length(1, 100))
    deadline_seconds = JsonInteger(
        load_default=DEFAULT_DEADLINE_S,
        validate=validate.Range(MIN_DEADLINE_S, MAX_DEADLINE_S),
        metadata={"description": "time until the answer; a check without a verdict by then is undecided"},
    )
    locale = ma.fields.String(load_default="en", validate=validate.Length(max=35))


class CheckPolicySchema(ma.Schema):
    """The policy of a verdict."""

    name = ma.fields.String(required=True)
    version = ma.fields.String(required=True)


class FailingFindingSchema(ma.Schema):
    """A finding that fails by the policy."""

    module = ma.fields.String(required=True)
    testcase = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    code = ma.fields.String(required=True, allow_none=True, metadata={"description": "if the policy has error codes"})
    level = ma.fields.String(required=True, metadata={"enum": list(LEVELS)})
    args = ma.fields.Dict(required=True)
    message = ma.fields.String(required=True)
    advice = ma.fields.String(required=True, metadata={"description": "what to do"})
    reference = ma.fields.String(required=True, allow_none=True, metadata={"format": "uri"})


class DecisiveCauseSchema(RootCauseSchema):
    """A root cause of the run."""

    decisive = ma.fields.Boolean(required=True, metadata={"description": "whether it explains a failing finding"})


class CheckTimingsSchema(ma.Schema):
    """The times of a check, in milliseconds."""

    submitted_at = Instant(required=True)
    deadline_at = Instant(required=True)
    waited_ms = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "until a slot was free"})
    run_ms = ma.fields.Integer(required=True, allow_none=True)
    total_ms = ma.fields.Integer(required=True, metadata={"description": "from the request to the answer"})


class CheckSchema(ma.Schema):
    """The answer to a check before delegation."""

    verdict = ma.fields.String(required=True, metadata={"enum": VERDICTS})
    reasons = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": f"why the check is undecided: {', '.join(REASONS)}, or a reason of the policy"},
    )
    explanations = ma.fields.List(ma.fields.String(), required=True, metadata={"description": "the reasons in words"})
    domain = ma.fields.String(required=True)
    policy = ma.fields.Nested(CheckPolicySchema, required=True)
    run_id = ma.fields.String(required=True, metadata={"description": "of the job, and of its run"})
    locale = ma.fields.String(required=True)
    findings = ma.fields.List(
        ma.fields.Nested(FailingFindingSchema),
        required=True,
        metadata={"description": "what fails; of an undecided check, what is known so far"},
    )
    root_causes = ma.fields.List(
        ma.fields.Nested(DecisiveCauseSchema), required=True, metadata={"description": "what to fix, decisive first"}
    )
    timings = ma.fields.Nested(CheckTimingsSchema, required=True)


class CheckBatchQuerySchema(QuerySchema):
    """The options of a batch of checks."""

    policy = ma.fields.String(load_default=DEFAULT_POLICY, validate=validate.Length(1, 100))
    name = PlainName(load_default="", validate=validate.Length(max=255))
    description = PlainText(load_default="", validate=validate.Length(max=10_000))


class BatchVerdictsQuerySchema(QuerySchema):
    """The lines to read."""

    policy = ma.fields.String(
        validate=validate.Length(1, 100), metadata={"description": "default: the policy of the submission"}
    )
    after = ma.fields.String(
        load_default="", validate=validate.Length(max=100), metadata={"description": "`run_id` of the last line"}
    )
    locale = ma.fields.String(load_default="en", validate=validate.Length(max=35))


class BatchVerdictSchema(ma.Schema):
    """One line of the verdicts of a batch; without a verdict while the job has not finished."""

    run_id = ma.fields.String(required=True)
    domain = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": list(STATUSES)})
    verdict = ma.fields.String(required=True, allow_none=True, metadata={"enum": [*VERDICTS, None]})
    reasons = ma.fields.List(ma.fields.String())
    explanations = ma.fields.List(ma.fields.String())
    policy = ma.fields.Nested(CheckPolicySchema)
    locale = ma.fields.String()
    findings = ma.fields.List(ma.fields.Nested(FailingFindingSchema))
    root_causes = ma.fields.List(ma.fields.Nested(DecisiveCauseSchema))
