"""Schemas of requests and documents about profiles."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import ANY_VALUE, Instant, JsonBoolean, positive_id
from gonemaster_api.rest.messages import Message
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.rest.plain_text import PlainName, PlainText
from gonemaster_engine.profile.diff import KINDS
from gonemaster_engine.profile.repair import ISSUE_TYPES

OPERATIONS = (
    "add_missing_test_cases",
    "add_missing_test_levels",
    "reset_test_cases",
    "reset_test_levels",
    "mark_reviewed",
    "clear_reviewed",
)
_EXAMPLE = {"net": {"ipv6": False}, "test_levels": {"NAMESERVER": {"AXFR_AVAILABLE": "ERROR"}}}


class ProfileSchema(ma.Schema):
    """A profile; the server's default has the id 0 and no timestamps."""

    id = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    config = ma.fields.Dict(required=True, metadata={"description": "sparse: absent properties have their default"})
    public = ma.fields.Boolean(required=True)
    schema_version = ma.fields.String(
        required=True, metadata={"description": "engine version of the last save or review; empty if none"}
    )
    created_at = Instant(required=True, allow_none=True)
    updated_at = Instant(required=True, allow_none=True)


class NewProfileSchema(RequestSchema):
    """A profile to store; its configuration is normalised."""

    error_codes: ClassVar = dict.fromkeys(("name", "description", "config", "public"), "invalid_profile")
    example: ClassVar = {"name": "no IPv6", "config": _EXAMPLE, "public": True}

    name = PlainName(
        required=True,
        validate=[
            validate.Length(max=255),
            validate.Regexp(r"\s*\S", error=Message("must contain a visible character")),
        ],
    )
    description = PlainText(load_default="", validate=validate.Length(max=10_000))
    config = ma.fields.Dict(load_default=dict, allow_none=True)
    public = JsonBoolean(load_default=False, metadata={"description": "offered by the public API"})

    @ma.post_load
    def _strip(self, data: dict[str, object], **_: object) -> dict[str, object]:
        return data | {"name": str(data["name"]).strip()}


class ProfileChangeSchema(RequestSchema):
    """An operation on a stored profile; `module` is only allowed with `reset_test_levels`."""

    error_codes: ClassVar = {"op": "invalid_op"}
    example: ClassVar = {"op": "reset_test_levels", "module": "NAMESERVER"}

    op = ma.fields.String(required=True, validate=validate.OneOf(OPERATIONS))
    module = ma.fields.String(allow_none=True, validate=validate.Length(max=64))


class ProfileDefaultsSchema(ma.Schema):
    """The lists of the engine's default profile."""

    test_cases = ma.fields.List(ma.fields.String(), required=True)
    test_levels = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String()),
        required=True,
        metadata={"description": "level by module and tag"},
    )


class ProfileCompatibilitySchema(ma.Schema):
    """Summary of a profile's compatibility with this engine."""

    id = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    compatible = ma.fields.Boolean(required=True)
    issue_count = ma.fields.Integer(required=True)
    waived_count = ma.fields.Integer(required=True)


class ProfileIssueSchema(ma.Schema):
    """One incompatibility of a profile."""

    type = ma.fields.String(required=True, metadata={"enum": list(ISSUE_TYPES)})
    module = ma.fields.String(required=True, metadata={"description": "of missing_test_levels; otherwise empty"})
    detail = ma.fields.String(required=True)
    suggestion = ma.fields.String(required=True)


class ProfileCompatibilityDetailSchema(ma.Schema):
    """A profile's compatibility with this engine."""

    compatible = ma.fields.Boolean(required=True)
    reviewed = ma.fields.Boolean(required=True)
    schema_version = ma.fields.String(required=True)
    current_version = ma.fields.String(required=True)
    issues = ma.fields.List(ma.fields.Nested(ProfileIssueSchema), required=True)
    waived_issues = ma.fields.List(ma.fields.Nested(ProfileIssueSchema), required=True)
    warnings = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "a sentence per module with unknown tags"}
    )


class ReviewedSchema(ma.Schema):
    """Number of profiles whose review changed."""

    updated = ma.fields.Integer(required=True)


class ProfileDiffRequestSchema(RequestSchema):
    """A configuration to compare with the server's default or with a stored profile."""

    error_codes: ClassVar = {"config": "invalid_profile", "profile_id": "invalid_profile_id"}
    example: ClassVar = {"config": _EXAMPLE}

    config = ma.fields.Dict(required=True, allow_none=True)
    profile_id = positive_id(allow_none=True, metadata={"description": "compare with this profile"})


class LevelChangeSchema(ma.Schema):
    """A tag whose level differs."""

    key = ma.fields.String(required=True)
    default = ma.fields.String(required=True)
    value = ma.fields.String(required=True)


class ModuleDifferenceSchema(ma.Schema):
    """The levels of one module."""

    module = ma.fields.String(required=True)
    changed = ma.fields.List(ma.fields.Nested(LevelChangeSchema), required=True)
    missing = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "tags that keep their default level"}
    )
    unknown_ = ma.fields.List(
        ma.fields.String(),
        required=True,
        data_key="unknown",
        attribute="unknown",
        metadata={"description": "tags unknown to this engine"},
    )


class ProfileDifferenceSchema(ma.Schema):
    """One property that the configuration sets."""

    path = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, metadata={"enum": list(KINDS)})
    redundant = ma.fields.Boolean(required=True, metadata={"description": "equal to the default"})
    wholesale = ma.fields.Boolean(required=True, metadata={"description": "replaces the default entirely"})
    default = ma.fields.Raw(required=True, allow_none=True, metadata=ANY_VALUE)
    value = ma.fields.Raw(required=True, allow_none=True, metadata=ANY_VALUE)
    excluded = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "test cases of the default that are excluded"}
    )
    unknown_ = ma.fields.List(
        ma.fields.String(),
        required=True,
        data_key="unknown",
        attribute="unknown",
        metadata={"description": "test cases unknown to this engine"},
    )
    modules = ma.fields.List(ma.fields.Nested(ModuleDifferenceSchema), required=True)


class ProfileDiffSummarySchema(ma.Schema):
    """Numbers of changed values; `redundant` counts properties."""

    deviations = ma.fields.Integer(required=True)
    redundant = ma.fields.Integer(required=True)
    missing = ma.fields.Integer(required=True)
    unknown_ = ma.fields.Integer(required=True, data_key="unknown", attribute="unknown")


class ProfileDiffSchema(ma.Schema):
    """Differences between a configuration and its base."""

    summary = ma.fields.Nested(ProfileDiffSummarySchema, required=True)
    properties = ma.fields.List(ma.fields.Nested(ProfileDifferenceSchema), required=True)
