"""Creation and revocation of links that share one result."""

from datetime import timedelta

from sqlalchemy.orm import Session

from gonemaster_api.auth.tokens import digest_of, new_session, token_id
from gonemaster_api.errors import BadRequest, Conflict, NotFound
from gonemaster_api.queries.runs.shares import share_document
from gonemaster_api.state import State
from gonemaster_db.core.clock import utcnow
from gonemaster_db.models import ShareLink
from gonemaster_db.runs.shares import add_share, list_shares, revoke_share
from gonemaster_db.service.audit import record_action
from gonemaster_engine.texts import Text

DEFAULT_DAYS = 30
MAX_SHARES = 50  # valid links to one run


def create_share(state: State, run_id: str, *, days: int | None, who: str) -> tuple[str, ShareLink]:
    """Store the digest of a new link; return its secret, which cannot be shown again, and the link.

    Raises:
        BadRequest: invalid_days, longer than the settings allow.
        Conflict: sharing_disabled, too_many_shares.
        RunNotFound: no such run.
    """
    maximum = state.settings.share_link_max_days
    if not maximum:
        raise Conflict("sharing_disabled", Text("the setting share_link_max_days disables links that share a result"))
    days = min(DEFAULT_DAYS, maximum) if days is None else days
    if days > maximum:
        raise BadRequest("invalid_days", Text("days must be between 1 and {limit}", limit=maximum))
    secret = new_session()  # 256 random bits

    def store(session: Session) -> ShareLink:
        now = utcnow()
        valid = [each for each in list_shares(session, run_id) if share_document(each, run_id)["state"] == "valid"]
        if len(valid) >= MAX_SHARES:
            text = Text("the limit of {limit} links to one result is reached", limit=MAX_SHARES)
            raise Conflict("too_many_shares", text, details={"limit": MAX_SHARES})
        expires_at = now + timedelta(days=days)
        share = add_share(session, digest_of(secret), run_id, created_by=who, now=now, expires_at=expires_at)
        details = {"id": token_id(share.digest), "expires_at": expires_at.isoformat()}
        record_action(session, "share.add", who=who, now=now, target=run_id, details=details)
        return share

    return secret, state.store.run_in_transaction(store)


def remove_share(state: State, run_id: str, share_id: str, *, who: str) -> None:
    """Revoke a link; a link that was revoked before is no error. Raises NotFound."""

    def revoke(session: Session) -> None:
        shares = [each for each in list_shares(session, run_id) if token_id(each.digest) == share_id]
        if not shares:
            raise NotFound("share link", share_id)
        now = utcnow()
        if revoke_share(session, shares[0].digest, now=now):
            record_action(session, "share.revoke", who=who, now=now, target=run_id, details={"id": share_id})

    state.store.run_in_transaction(revoke)
