"""Schemas of the caller and the login."""

import marshmallow as ma

from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_tasks.config.credential_types import Scope


class WhoamiSchema(ma.Schema):
    """The caller of the request."""

    mode = ma.fields.String(
        required=True, metadata={"enum": ["open", "token"], "description": "open: requests need no token"}
    )
    authenticated = ma.fields.Boolean(
        required=True, metadata={"description": "whether requests are accepted without a token"}
    )
    label = ma.fields.String(metadata={"description": "of the token; absent in open mode and without a valid token"})
    scope = ma.fields.String(metadata={"enum": [scope.value for scope in Scope], "description": "what it allows"})


class NewSessionSchema(RequestSchema):
    """A login."""

    example = {"token": "gm_..."}  # noqa: RUF012 - read by the document

    token = ma.fields.String(required=True, validate=ma.validate.Length(max=512))
