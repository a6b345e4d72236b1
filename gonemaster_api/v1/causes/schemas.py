"""Schemas of root causes."""

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.parsing import QuerySchema
from gonemaster_db.core.levels import LEVELS
from gonemaster_engine.findings.causes.model import HARMS, Responsible, SnippetKind

HARM_NAMES = [harm.value for harm in HARMS]


class CausesQuerySchema(QuerySchema):
    """The language of the texts."""

    locale = ma.fields.String(load_default="en", validate=validate.Length(max=35))


class CauseTextsSchema(ma.Schema):
    """A root cause and its texts."""

    cause = ma.fields.String(required=True, metadata={"example": "signatures_expired"})
    harm = ma.fields.String(required=True, metadata={"enum": HARM_NAMES})
    responsible = ma.fields.String(required=True, metadata={"enum": [each.value for each in Responsible]})
    title = ma.fields.String(required=True)
    consequence = ma.fields.String(required=True)
    remedy = ma.fields.String(required=True)


class CausesSchema(ma.Schema):
    """All root causes with their usual harm, in the order in which they claim entries."""

    items = ma.fields.List(ma.fields.Nested(CauseTextsSchema), required=True)
    total = ma.fields.Integer(required=True)


class SnippetSchema(ma.Schema):
    """A text to copy."""

    kind = ma.fields.String(required=True, metadata={"enum": [kind.value for kind in SnippetKind]})
    text = ma.fields.String(required=True)
    shows = ma.fields.String(required=True, metadata={"description": "what it shows, or where it belongs"})


class CauseServerSchema(ma.Schema):
    """A name server address."""

    ns = ma.fields.String(required=True)
    address = ma.fields.String(required=True)


class SubjectSchema(ma.Schema):
    """The subjects of a root cause."""

    servers = ma.fields.List(ma.fields.Nested(CauseServerSchema), required=True)
    records = ma.fields.List(ma.fields.String(), required=True, metadata={"description": "types of records"})
    key_tags = ma.fields.List(ma.fields.Integer(), required=True)
    since = ma.fields.String(required=True, allow_none=True)


class RootCauseSchema(CauseTextsSchema):
    """A root cause of a run."""

    level = ma.fields.String(required=True, metadata={"enum": list(LEVELS)})
    snippets = ma.fields.List(ma.fields.Nested(SnippetSchema), required=True)
    subject = ma.fields.Nested(SubjectSchema, required=True)
    servers_affected = ma.fields.Integer(required=True, metadata={"description": "name server addresses"})
    servers = ma.fields.Integer(required=True, metadata={"description": "name server addresses of the zone"})
    explains = ma.fields.List(
        ma.fields.Integer(), required=True, metadata={"description": "positions of entries in `raw.entries`"}
    )


class CauseChangesSchema(ma.Schema):
    """Root causes that only one of two runs has."""

    appeared = ma.fields.List(ma.fields.Nested(RootCauseSchema), required=True)
    cleared = ma.fields.List(ma.fields.Nested(RootCauseSchema), required=True)


class CauseDomainsSchema(ma.Schema):
    """A root cause whose domains changed between two snapshots or batches; only domains of both appear or clear."""

    cause = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    harm = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"enum": [*HARM_NAMES, None], "description": "the usual harm; null for a cause of another version"},
    )
    from_domain_count = ma.fields.Integer(required=True)
    to_domain_count = ma.fields.Integer(required=True)
    domain_delta = ma.fields.Integer(required=True)
    domains_appeared = ma.fields.Integer(required=True)
    domains_cleared = ma.fields.Integer(required=True)


class CauseNamesSchema(ma.Schema):
    """Identifiers of root causes that only one of two runs has, worst first."""

    appeared = ma.fields.List(ma.fields.String(), required=True)
    cleared = ma.fields.List(ma.fields.String(), required=True)
