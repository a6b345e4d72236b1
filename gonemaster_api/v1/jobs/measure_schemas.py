"""Measurements of a run: its score, and response times of name servers."""

import marshmallow as ma


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


class ScoreSchema(ma.Schema):
    """The score of a run, computed from its entries when it is read."""

    score = ma.fields.Integer(required=True, metadata={"minimum": 0, "maximum": 100})
    grade = ma.fields.String(required=True)
    categories = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Nested(CategoryScoreSchema), required=True)
    bonus = ma.fields.Nested(BonusSchema, required=True)
    disabled_stacks = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "address families that were disabled; the score is partial"},
    )


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
    status = ma.fields.String(required=True, metadata={"enum": ["ok", "unreachable", "unresolved"]})
