"""Schemas of decisions about DS records, and filters of their feed."""

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import MAX_ID, Instant, QueryInteger, named
from gonemaster_api.rest.parsing import QuerySchema
from gonemaster_engine.automation.cds import CdsAction, Reason

ACTIONS = tuple(action.value for action in (CdsAction.ADD, CdsAction.REPLACE, CdsAction.REMOVE, CdsAction.REFUSE))
_MAX_DECISIONS = 1000


class EppDsSchema(ma.Schema):
    """A DS record with the field names of EPP (RFC 5910)."""

    keyTag = ma.fields.Integer(required=True)  # noqa: N815  # the name in EPP
    alg = ma.fields.Integer(required=True)
    digestType = ma.fields.Integer(required=True)  # noqa: N815  # the name in EPP
    digest = ma.fields.String(required=True, metadata={"description": "hexadecimal digits"})


class CdsDecisionSchema(ma.Schema):
    """What should happen to the DS records of a domain."""

    id = ma.fields.Integer(required=True)
    watch_id = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "null: deleted"})
    domain = ma.fields.String(required=True)
    action = named(ACTIONS)
    reason = named(reason.value for reason in Reason)
    text = ma.fields.String(required=True, metadata={"description": "the reason in words"})
    ds = ma.fields.List(
        ma.fields.Nested(EppDsSchema),
        required=True,
        metadata={"description": "the complete set that the delegation should have; empty for `remove` and `refuse`"},
    )
    current_ds = ma.fields.List(
        ma.fields.Nested(EppDsSchema), required=True, metadata={"description": "the set when the decision was made"}
    )
    epp = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the secDNS:update of EPP that carries out the decision; null for `refuse`"},
    )
    decided_at = Instant(required=True)


class CdsEvidenceSchema(CdsDecisionSchema):
    """A decision with the observation that it follows from."""

    evidence = ma.fields.Dict(
        required=True, metadata={"description": "the answers of each server, with the signatures that are valid"}
    )


class CdsDecisionFilterSchema(QuerySchema):
    """The decisions to read."""

    limit = QueryInteger(load_default=100, validate=validate.Range(1, _MAX_DECISIONS))
    action = ma.fields.String(validate=validate.OneOf(ACTIONS))
    reason = ma.fields.String(validate=validate.OneOf([reason.value for reason in Reason]))
    domain = ma.fields.String(validate=validate.Length(max=1024))
    tag = ma.fields.String(validate=validate.Length(max=255), metadata={"description": "a domain tag"})
    watch_id = QueryInteger(validate=validate.Range(1, MAX_ID))


class CdsDecisionQuerySchema(CdsDecisionFilterSchema):
    """The decisions to read, oldest first."""

    cursor = QueryInteger(
        load_default=0,
        validate=validate.Range(0, MAX_ID),
        metadata={"description": "next_cursor of the previous page; 0 starts at the oldest decision"},
    )
    format = ma.fields.String(load_default="json", validate=validate.OneOf(("json", "csv")))


class CdsDecisionPageSchema(ma.Schema):
    """Decisions in the order of their id."""

    items = ma.fields.List(ma.fields.Nested(CdsDecisionSchema), required=True)
    next_cursor = ma.fields.Integer(
        required=True, metadata={"description": "the cursor that continues; also valid if there are no more decisions"}
    )
