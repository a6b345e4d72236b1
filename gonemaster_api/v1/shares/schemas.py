"""Schemas of links that share one result."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, JsonInteger
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.use_cases.shares import DEFAULT_DAYS


class NewShareSchema(RequestSchema):
    """A link to create."""

    example: ClassVar = {"days": 7}

    days = JsonInteger(
        load_default=None,
        validate=validate.Range(1, 3650),
        metadata={"description": "life of the link, at most the setting share_link_max_days", "default": DEFAULT_DAYS},
    )


class ShareSchema(ma.Schema):
    """A link that shows the result of one run to everyone who has it."""

    id = ma.fields.String(required=True, metadata={"description": "identifies the link; does not reveal it"})
    run_id = ma.fields.String(required=True)
    state = ma.fields.String(required=True, metadata={"enum": ["valid", "expired", "revoked"]})
    created_by = ma.fields.String(required=True, metadata={"description": "the actor, as in the audit log"})
    created_at = Instant(required=True)
    expires_at = Instant(required=True)
    revoked_at = Instant(required=True, allow_none=True)


class CreatedShareSchema(ShareSchema):
    """A new link."""

    url = ma.fields.String(required=True, metadata={"description": "the link; it cannot be shown again"})


class ShareListSchema(ma.Schema):
    """The links to a run."""

    items = ma.fields.List(ma.fields.Nested(ShareSchema), required=True)
