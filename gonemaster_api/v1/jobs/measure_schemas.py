"""What is measured in a run: its score, and how fast name servers answered."""

import marshmallow as ma


class CategoryScoreSchema(ma.Schema):
    """One category of a score."""

    score = ma.fields.Float(required=True)
    penalties = ma.fields.Float(required=True)
    entry_count = ma.fields.Integer(required=True)
    tested = ma.fields.Boolean(required=True, metadata={"description": "false: no entry, and 100 counts"})


class BonusSchema(ma.Schema):
    """What decides between A and A+."""

    eligible = ma.fields.Boolean(required=True)
    criteria = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Boolean(allow_none=True),
        required=True,
        metadata={"description": "null: does not apply"},
    )


class ScoreSchema(ma.Schema):
    """The score of a run, computed from its entries when it is read."""

    score = ma.fields.Integer(required=True, metadata={"minimum": 0, "maximum": 100})
    grade = ma.fields.String(required=True)
    categories = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Nested(CategoryScoreSchema), required=True)
    bonus = ma.fields.Nested(BonusSchema, required=True)
    disabled_stacks = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "address families that were off: partial"}
    )


class NameserverTimingSchema(ma.Schema):
    """How fast one address of a name server answered; times are null without an answer."""

    nameserver = ma.fields.String(required=True)
    address = ma.fields.String(required=True, metadata={"description": "empty where the name has none"})
    count = ma.fields.Integer(required=True, metadata={"description": "answers"})
    avg_ms = ma.fields.Float(required=True, allow_none=True)
    min_ms = ma.fields.Float(required=True, allow_none=True)
    max_ms = ma.fields.Float(required=True, allow_none=True)
    median_ms = ma.fields.Float(required=True, allow_none=True)
    stddev_ms = ma.fields.Float(required=True, allow_none=True)
    total_ms = ma.fields.Float(required=True)
    timeouts = ma.fields.Integer(required=True)
    refusals = ma.fields.Integer(required=True)
    status = ma.fields.String(required=True, metadata={"enum": ["ok", "unreachable", "unresolved"]})
