"""Creation and revocation of admin tokens."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.auth.listing import ListedToken, listed_tokens
from gonemaster_api.auth.tokens import digest_of, new_token
from gonemaster_api.errors import Conflict
from gonemaster_api.queries.tokens import find_token
from gonemaster_api.state import State
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreError
from gonemaster_db.service.access import add_token, revoke_token
from gonemaster_db.service.audit import record_action
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.credential_types import Scope, widest

MAX_TOKENS = 1000  # A request is compared with all tokens.


def create_token(state: State, request: Mapping[str, Any], *, who: str) -> tuple[str, ListedToken]:
    """Store the digest of a new token; return the token, which cannot be shown again, and its entry in the list.

    Raises:
        Conflict: too_many_tokens, or admin_token_needed if the first token could not manage tokens.
        TokenExists: another token has the label.
    """
    secret, now = new_token(), utcnow()
    label, scopes, expires_at = request["label"], sorted(set(request["scopes"])), request.get("expires_at")
    created = ListedToken(digest_of(secret), label, tuple(scopes), ("database",), now, expires_at)

    def store(session: Session) -> None:
        tokens = _valid(session, state)
        if len(tokens) >= MAX_TOKENS:
            text = Text("the limit of {limit} tokens is reached", limit=MAX_TOKENS)
            raise Conflict("too_many_tokens", text, details={"limit": MAX_TOKENS})
        _require_admin([*tokens, created])
        add_token(session, created.digest, label=label, scopes=scopes, now=now, expires_at=expires_at)
        details = {"label": label, "scopes": scopes, "expires_at": expires_at and expires_at.isoformat()}
        record_action(session, "token.add", who=who, now=now, target=created.id, details=details)

    state.store.run_in_transaction(store)
    _refresh(state)
    return secret, created


def remove_token(state: State, token_id: str, *, who: str) -> None:
    """Revoke a token, which may be one of the configuration, and end its sessions.

    Raises:
        Conflict: admin_token_needed, because no token could manage tokens afterwards.
        NotFound: no such token.
    """
    token = find_token(state, token_id)

    def revoke(session: Session) -> None:
        now = utcnow()
        _require_admin([other for other in _valid(session, state) if other.digest != token.digest])
        if revoke_token(session, token.digest, label=token.label, scopes=token.scopes, now=now):
            record_action(session, "token.revoke", who=who, now=now, target=token.id, details={"label": token.label})

    state.store.run_in_transaction(revoke)
    _refresh(state)


def _refresh(state: State) -> None:
    """Apply the change in this process before it responds; the other processes poll."""
    with suppress(StoreError):  # the change is stored, so the response must not be an error
        state.keyring.refresh()


def _valid(session: Session, state: State) -> list[ListedToken]:
    now = utcnow()
    return [
        token
        for token in listed_tokens(session, state.keyring.configured)
        if token.revoked_at is None and (token.expires_at is None or token.expires_at > now)
    ]


def _require_admin(tokens: Iterable[ListedToken]) -> None:
    """Require that a token which can manage tokens remains; otherwise only the command on the server could add one."""
    if not any(widest(token.scopes) is Scope.ADMIN for token in tokens):
        raise Conflict(
            "admin_token_needed", Text("a valid token with the scope admin must remain; create another one first")
        )
