"""Schemas of admin tokens."""

from datetime import datetime
from typing import ClassVar

import marshmallow as ma
from marshmallow import ValidationError, validate

from gonemaster_api.rest.fields import Instant
from gonemaster_api.rest.paging import page_schema
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_db.core.clock import utcnow
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.credential_types import LABEL_RULE, Scope, is_label

_SCOPES = [scope.value for scope in Scope]


def _check_label(label: str) -> None:
    if not is_label(label):
        raise ValidationError(
            Text("must be 1 to 64 characters other than = : , and control characters, without space at the ends")
        )


def _check_expiry(moment: datetime) -> None:
    if moment <= utcnow():
        raise ValidationError(Text("must be in the future"))


class NewTokenSchema(RequestSchema):
    """A token to create."""

    example: ClassVar = {"label": "ci", "scopes": ["operate"], "expires_at": "2100-01-01T00:00:00Z"}

    label = ma.fields.String(required=True, validate=_check_label, metadata={"description": LABEL_RULE})
    scopes = ma.fields.List(
        ma.fields.String(validate=validate.OneOf(_SCOPES)),
        required=True,
        validate=validate.Length(1, len(_SCOPES)),
        metadata={"description": "each scope includes the previous ones, so that the widest one counts"},
    )
    expires_at = Instant(
        allow_none=True, validate=_check_expiry, metadata={"description": "null: the token does not expire"}
    )


class TokenSchema(ma.Schema):
    """A token that is not revoked."""

    id = ma.fields.String(required=True, metadata={"description": "the target of the token in the audit log"})
    label = ma.fields.String(required=True, metadata={"description": "the actor in the audit log; may be empty"})
    scopes = ma.fields.List(ma.fields.String(metadata={"enum": _SCOPES}), required=True)
    sources = ma.fields.List(ma.fields.String(metadata={"enum": ["configuration", "database"]}), required=True)
    created_at = Instant(
        required=True, allow_none=True, metadata={"description": "null for a token of the configuration"}
    )
    expires_at = Instant(required=True, allow_none=True, metadata={"description": "null: the token does not expire"})
    expired = ma.fields.Boolean(required=True)
    last_used_at = Instant(
        required=True, allow_none=True, metadata={"description": "accurate to about a minute; null: not used"}
    )


class CreatedTokenSchema(TokenSchema):
    """A new token with its secret."""

    token = ma.fields.String(required=True, metadata={"description": "the token; it cannot be shown again"})


TokenPageSchema = page_schema(TokenSchema, "Token")
