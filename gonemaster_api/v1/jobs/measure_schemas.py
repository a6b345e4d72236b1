"""Measurements of a run: its score, and response times of name servers."""

import marshmallow as ma

from gonemaster_db.core.levels import LEVELS
from gonemaster_engine.scoring.config import CAPPED_HARMS


class CategoryScoreSchema(ma.Schema):
    """One category of a score."""

    score = ma.fields.Float(required=True)
    penalties = ma.fields.Float(required=True)
    entry_count = ma.fields.Integer(required=True)
    tested = ma.fields.Boolean(
        required=True, metadata={"description": "false if the category has no entries; its score is then 100"}
    )


class BonusSchema(ma.Schema):
    """Criteria that decide between A and A+."""

    eligible = ma.fields.Boolean(required=True)
    criteria = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Boolean(allow_none=True),
        required=True,
        metadata={"description": "null if not applicable"},
    )


class ScoreCapSchema(ma.Schema):
    """The best score and grade that the harm of a root cause allows."""

    harm = ma.fields.String(required=True, metadata={"enum": list(CAPPED_HARMS)})
    cause = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    grade = ma.fields.String(required=True)
    score = ma.fields.Integer(required=True)


class ScoreSchema(ma.Schema):
    """The score of a run, computed from its entries when it is read."""

    score = ma.fields.Integer(required=True, metadata={"minimum": 0, "maximum": 100})
    grade = ma.fields.String(required=True)
    rule = ma.fields.Integer(required=True, metadata={"description": "version of the rule"})
    cap = ma.fields.Nested(ScoreCapSchema, required=True, allow_none=True)
    categories = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Nested(CategoryScoreSchema), required=True)
    bonus = ma.fields.Nested(BonusSchema, required=True)
    disabled_stacks = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "address families that were disabled; the score is partial"},
    )


class DeductionSchema(ma.Schema):
    """An entry with a penalty."""

    position = ma.fields.Integer(required=True, metadata={"description": "of the entry in the result"})
    tag = ma.fields.String(required=True)
    level = ma.fields.String(required=True, metadata={"enum": list(LEVELS)})
    category = ma.fields.String(required=True)
    penalty = ma.fields.Float(required=True, metadata={"description": "in the category"})
    points = ma.fields.Float(required=True, metadata={"description": "of the score"})
    cause = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the root cause of the entry, if its cap counts instead of the penalty"},
    )


class ExplainedScoreSchema(ScoreSchema):
    """The score of a run, point by point."""

    uncapped = ma.fields.Integer(required=True, metadata={"description": "the weighted mean of the categories"})
    deductions = ma.fields.List(ma.fields.Nested(DeductionSchema), required=True)


class NameserverTimingSchema(ma.Schema):
    """Response times of one name server address; null if it did not respond."""

    nameserver = ma.fields.String(required=True)
    address = ma.fields.String(required=True, metadata={"description": "empty if the name has no address"})
    count = ma.fields.Integer(required=True, metadata={"description": "number of responses"})
    avg_ms = ma.fields.Float(required=True, allow_none=True)
    min_ms = ma.fields.Float(required=True, allow_none=True)
    max_ms = ma.fields.Float(required=True, allow_none=True)
    median_ms = ma.fields.Float(required=True, allow_none=True)
    stddev_ms = ma.fields.Float(required=True, allow_none=True)
    total_ms = ma.fields.Float(required=True)
    timeouts = ma.fields.Integer(required=True)
    refusals = ma.fields.Integer(required=True)
    lost = ma.fields.Integer(
        metadata={"description": "transmissions over UDP without an answer, of queries that were answered later"}
    )
    status = ma.fields.String(required=True, metadata={"enum": ["ok", "unreachable", "unresolved"]})
