"""Admin tokens as documents."""

from collections.abc import Mapping
from typing import Any

from gonemaster_api.auth.listing import ListedToken, listed_tokens
from gonemaster_api.errors import NotFound
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import State
from gonemaster_db.core.clock import utcnow


def token_document(token: ListedToken) -> dict[str, Any]:
    """Return the document of a token; it contains neither the token nor its digest."""
    return {
        "id": token.id,
        "label": token.label,
        "scopes": token.shown_scopes,
        "sources": list(token.sources),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "expired": token.expires_at is not None and token.expires_at <= utcnow(),
        "last_used_at": token.last_used_at,
    }


def find_tokens(state: State) -> list[ListedToken]:
    """Return all tokens that are not revoked, those of the configuration first."""
    with state.store.read_only() as session:
        found = listed_tokens(session, state.keyring.configured)
    return [token for token in found if token.revoked_at is None]


def read_tokens(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of the tokens that are not revoked."""
    part, found = slice_of(query), find_tokens(state)
    shown = found[part.offset : part.offset + part.limit]
    return page_document([token_document(token) for token in shown], len(found), part)


def find_token(state: State, token_id: str) -> ListedToken:
    """Return a token that is not revoked. Raises NotFound."""
    for token in find_tokens(state):
        if token.id == token_id:
            return token
    raise NotFound("token", token_id)
