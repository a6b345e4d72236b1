"""The configuration of scoring."""

from typing import Any, ClassVar

import marshmallow as ma

from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_engine.scoring.config import CAPPED_HARMS, CRITERION_NAMES


def _number(**limits: Any) -> ma.fields.Raw:
    """Return a field for a JSON number that does not turn 5 into 5.0."""
    return ma.fields.Raw(metadata={"type": "number", "minimum": 0, **limits})


def _numbers(about: str) -> ma.fields.Dict:
    return ma.fields.Dict(keys=ma.fields.String(), values=_number(), required=True, metadata={"description": about})


class GradeBandSchema(ma.Schema):
    """A grade and its lowest score."""

    grade = ma.fields.String(required=True)
    min_score = ma.fields.Raw(required=True, metadata={"type": "number", "minimum": 0, "maximum": 100})


class ScoringConfigSchema(ma.Schema):
    """A complete configuration."""

    severity_penalties = _numbers("penalty by level")
    category_weights = _numbers("weight by category")
    module_categories = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        metadata={"description": "category by module; other modules are not scored"},
    )
    tag_penalties = _numbers("penalty by message tag; overrides that of the level")
    grade_bands = ma.fields.List(
        ma.fields.Nested(GradeBandSchema), required=True, metadata={"description": "best first"}
    )
    bonus_criteria = ma.fields.List(
        ma.fields.String(metadata={"enum": list(CRITERION_NAMES)}),
        required=True,
        metadata={"description": "criteria that A+ requires besides the score"},
    )
    harm_caps = ma.fields.Dict(
        keys=ma.fields.String(metadata={"enum": list(CAPPED_HARMS)}),
        values=ma.fields.String(),
        required=True,
        metadata={"description": "best grade by harm of the root causes"},
    )


def _engine_field(about: str, **shape: Any) -> ma.fields.Raw:
    """Return a field that the engine validates; its errors contain the path."""
    return ma.fields.Raw(metadata={"description": about, **shape})


class ScoringChangeSchema(RequestSchema):
    """A configuration to store. An absent key has its default; a present key replaces the default entirely."""

    error_codes: ClassVar = dict.fromkeys(ScoringConfigSchema().fields, "invalid_scoring_config")
    example: ClassVar = {"severity_penalties": {"NOTICE": 0, "WARNING": 10, "ERROR": 30}}

    severity_penalties = _engine_field("penalty by level", type="object")
    category_weights = _engine_field("weight by category, at least one above 0", type="object")
    module_categories = _engine_field("category by module", type="object")
    tag_penalties = _engine_field("penalty by message tag", type="object")
    grade_bands = _engine_field("list of {grade, min_score}", type="array", items={"type": "object"})
    bonus_criteria = _engine_field(
        "list of required criteria, or map of criterion to true or false",
        anyOf=[
            {"type": "array", "items": {"type": "string", "enum": list(CRITERION_NAMES)}},
            {"type": "object", "additionalProperties": {"type": "boolean"}},
        ],
    )
    harm_caps = _engine_field("map of harm to the best grade; {} for no caps", type="object")
