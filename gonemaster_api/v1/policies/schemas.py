"""Schemas of requests and documents about policies, and of verdicts."""

from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import ANY_VALUE, Instant
from gonemaster_api.rest.parsing import QuerySchema, RequestSchema
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.domains.models.policies import VERDICTS
from gonemaster_engine.findings.messages.policies import REASONS
from gonemaster_engine.policies.diff import KINDS

_EXAMPLE = {
    "name": "own",
    "profile": {"test_levels": {"NAMESERVER": {"AXFR_AVAILABLE": "ERROR"}}},
    "suites": [{"name": "Delegation", "cases": ["BASIC", "delegation01"], "fail_level": "ERROR"}],
}


def policy_name(*, load_default: Any = None) -> ma.fields.String:
    """Create the field of a request that names a policy."""
    return ma.fields.String(
        load_default=load_default,
        allow_none=True,
        validate=validate.Length(1, 64),
        metadata={"description": "a bundled or stored policy that judges the runs", "example": "registration"},
    )


class PolicySchema(ma.Schema):
    """A version of a policy; a bundled one has no time."""

    name = ma.fields.String(required=True)
    version = ma.fields.String(required=True, metadata={"description": "of a stored policy 1, 2, ..."})
    description = ma.fields.String(required=True)
    bundled = ma.fields.Boolean(required=True)
    suites = ma.fields.List(ma.fields.String(), required=True, metadata={"description": "their names"})
    notes = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "one per tag named as in Zonemaster"},
    )
    error = ma.fields.String(
        required=True, metadata={"description": "why the engine of this server rejects the version; else empty"}
    )
    document = ma.fields.Dict(required=True, metadata={"description": "in normal form"})
    created_at = Instant(required=True, allow_none=True)
    created_by = ma.fields.String(required=True)


class PolicyBodySchema(RequestSchema):
    """A policy to store or to validate."""

    error_codes: ClassVar = {"document": "invalid_policy"}
    example: ClassVar = {"document": _EXAMPLE}

    document = ma.fields.Dict(required=True, keys=ma.fields.String())


class PolicyChangeSchema(PolicyBodySchema):
    """A new version of a policy."""

    after = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 9),
        metadata={"description": "the version that the change is based on; refused if it is no longer current"},
    )


class PolicyValidationSchema(ma.Schema):
    """A valid policy in normal form."""

    document = ma.fields.Dict(required=True)
    notes = ma.fields.List(ma.fields.String(), required=True)


class PolicyDiffQuerySchema(QuerySchema):
    """The versions to compare; without `from` the previous version, without `to` the current one."""

    from_ = ma.fields.String(data_key="from", attribute="from", validate=validate.Length(1, 32))
    to = ma.fields.String(validate=validate.Length(1, 32))
    other = ma.fields.String(
        validate=validate.Length(1, 64), metadata={"description": "compare with the current version of this policy"}
    )


class PolicyDifferenceSchema(ma.Schema):
    """A value that only one version has, or that differs."""

    path = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, metadata={"enum": list(KINDS)})
    before = ma.fields.Raw(required=True, allow_none=True, metadata=ANY_VALUE)
    after = ma.fields.Raw(required=True, allow_none=True, metadata=ANY_VALUE)


class PolicyReferenceSchema(ma.Schema):
    """Name and version of a policy."""

    name = ma.fields.String(required=True)
    version = ma.fields.String(required=True)


class PolicyDiffSchema(ma.Schema):
    """The differences between two policies, by path."""

    before = ma.fields.Nested(PolicyReferenceSchema, required=True)
    after = ma.fields.Nested(PolicyReferenceSchema, required=True)
    differences = ma.fields.List(ma.fields.Nested(PolicyDifferenceSchema), required=True)


class SuiteFindingSchema(ma.Schema):
    """A finding that fails a test case of a suite."""

    position = ma.fields.Integer(required=True, metadata={"description": "in the entries of the result"})
    module = ma.fields.String(required=True)
    testcase = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    code = ma.fields.String(required=True, allow_none=True, metadata={"description": "if the policy has error codes"})
    level = ma.fields.String(required=True, metadata={"enum": list(LEVELS), "description": "for the policy"})
    args = ma.fields.Dict(required=True)
    message = ma.fields.String(required=True)
    advice = ma.fields.String(required=True)
    reference = ma.fields.String(required=True, allow_none=True)


class CaseVerdictSchema(ma.Schema):
    """The result of a test case."""

    case = ma.fields.String(required=True)
    result = ma.fields.String(required=True, metadata={"enum": list(VERDICTS)})
    reason = ma.fields.String(required=True, allow_none=True, metadata={"enum": [*REASONS, None]})
    explanation = ma.fields.String(required=True, allow_none=True)
    findings = ma.fields.List(ma.fields.Nested(SuiteFindingSchema), required=True)


class SuiteVerdictSchema(ma.Schema):
    """The result of a suite: the worst of its test cases."""

    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    result = ma.fields.String(required=True, metadata={"enum": list(VERDICTS)})
    cases = ma.fields.List(ma.fields.Nested(CaseVerdictSchema), required=True)
