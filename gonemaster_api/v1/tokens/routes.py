"""Routes of admin tokens: list, create, revoke."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.tokens import read_tokens, token_document
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.paging import PagingSchema
from gonemaster_api.state import state
from gonemaster_api.use_cases.tokens import create_token, remove_token
from gonemaster_api.v1.tokens.schemas import CreatedTokenSchema, NewTokenSchema, TokenPageSchema
from gonemaster_api.web.actor import who

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens", description="Admin tokens")


@blueprint.route("")
class Tokens(MethodView):
    """Creation and list of tokens."""

    @blueprint.arguments(PagingSchema, location="query")
    @blueprint.response(200, TokenPageSchema)
    @blueprint.refuses(_400="invalid_limit, invalid_offset, invalid_cursor")
    def get(self, query: dict[str, Any]) -> Any:
        """List the tokens of configuration and database that are not revoked; secrets and hashes are never shown."""
        return read_tokens(state(), query)

    @blueprint.arguments(NewTokenSchema)
    @blueprint.response(201, CreatedTokenSchema)
    @blueprint.refuses(
        _400="missing_label, invalid_label, missing_scopes, invalid_scopes, invalid_expires_at",
        _409="token_exists, too_many_tokens, admin_token_needed",
    )
    def post(self, request_body: dict[str, Any]) -> Any:
        """Create a token and show it this once; all processes accept it within a second."""
        secret, token = create_token(state(), request_body, who=who())
        return {**token_document(token), "token": secret}, 201, {"Cache-Control": "no-store"}


@blueprint.route("/<token_id>")
class TokenById(MethodView):
    """One token."""

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found", _409="admin_token_needed")
    def delete(self, token_id: str) -> None:
        """Revoke a token; within a second all processes refuse it, end its sessions and close its streams."""
        remove_token(state(), token_id, who=who())
