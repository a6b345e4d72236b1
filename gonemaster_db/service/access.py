"""Access tokens and browser sessions."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import StoreOutdated, TokenExists
from gonemaster_db.core.session import Store
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import AccessSession, AccessToken, AccessTokenUse

SESSIONS_OF_TOKEN = 100  # If a token has more sessions, the oldest one ends.
_ALL_TOKENS = select(AccessToken).order_by(AccessToken.created_at, AccessToken.digest)
_USE_INTERVAL = timedelta(minutes=1)
BATCH_USER = "zonemaster"  # scope of the key of a user who may submit batches over Zonemaster's API, and nothing else


def add_token(
    session: Session,
    digest: str,
    *,
    label: str,
    scopes: Sequence[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Store a new token.

    Raises: TokenExists: Another valid token has this label, or a token has this digest.
    """
    row = {"digest": digest, "label": label, "scopes": list(scopes), "created_at": now, "expires_at": expires_at}
    added = insert(session, AccessToken).values(row).on_conflict_do_nothing().returning(AccessToken.digest)
    if session.execute(added).first() is None:
        raise TokenExists(label)


def list_tokens(session: Session) -> list[AccessToken]:
    """Return all tokens, including revoked ones, in the order in which they were added."""
    return list(session.scalars(_ALL_TOKENS))


def revoke_token(session: Session, digest: str, *, label: str, scopes: Sequence[str], now: datetime) -> bool:
    """Revoke a token, which may be one that only a configuration contains, and end its sessions.

    Returns False if the token was already revoked.
    """
    row = {"digest": digest, "label": label, "scopes": list(scopes), "created_at": now, "revoked_at": now}
    noted = (
        insert(session, AccessToken)
        .values(row)
        .on_conflict_do_update(
            index_elements=[AccessToken.digest], set_={"revoked_at": now}, where=AccessToken.revoked_at.is_(None)
        )
        .returning(AccessToken.digest)
    )
    first = session.execute(noted).first() is not None
    session.execute(delete(AccessSession).where(AccessSession.token_digest == digest))
    return first


def record_uses(session: Session, digests: Iterable[str], *, now: datetime) -> None:
    """Store that tokens are in use, at most once a minute for each token, for any number of calling processes."""
    # sorted, so that two calls cannot deadlock
    rows = [{"digest": digest, "last_used_at": now} for digest in sorted(digests)]
    used = insert(session, AccessTokenUse).values(rows)
    is_old = AccessTokenUse.last_used_at <= now - _USE_INTERVAL
    session.execute(
        used.on_conflict_do_update(index_elements=[AccessTokenUse.digest], set_={"last_used_at": now}, where=is_old)
    )


def last_uses(session: Session) -> dict[str, datetime]:
    """Return the last use of each used token, by digest."""
    return {use.digest: use.last_used_at for use in session.scalars(select(AccessTokenUse))}


def clear_tokens(session: Session) -> int:
    """Remove all tokens, including revoked ones, and all sessions; return the number of tokens."""
    session.execute(delete(AccessSession))
    session.execute(delete(AccessTokenUse))
    deleted = delete(AccessToken).returning(AccessToken.digest)
    return len(session.scalars(deleted, execution_options={"synchronize_session": False}).all())


def is_batch_user(token: AccessToken) -> bool:
    """Return whether a row is the key of a user of Zonemaster's API; its label is the name of the user."""
    return list(token.scopes) == [BATCH_USER]


def has_tokens(store: Store) -> bool:
    """Return whether any token was added or revoked since the tokens were last cleared; batch users do not count.

    A database without migrations has no tokens. Raises StoreError.
    """
    try:
        with store.read_only() as session:
            return not all(map(is_batch_user, list_tokens(session)))
    except StoreOutdated:
        return False


def open_session(session: Session, digest: str, *, token_digest: str, now: datetime, expires_at: datetime) -> None:
    """Store a new session; remove expired sessions, and the oldest sessions of a token that has too many."""
    session.execute(delete(AccessSession).where(AccessSession.expires_at <= now))
    newest = (
        select(AccessSession.digest)
        .where(AccessSession.token_digest == token_digest)
        .order_by(AccessSession.created_at.desc(), AccessSession.digest)
    )
    surplus = session.scalars(newest.offset(SESSIONS_OF_TOKEN - 1)).all()
    session.execute(delete(AccessSession).where(AccessSession.digest.in_(surplus)))
    session.add(AccessSession(digest=digest, token_digest=token_digest, created_at=now, expires_at=expires_at))


def find_session(session: Session, digest: str, *, now: datetime) -> AccessSession | None:
    """Return a session, or None if it does not exist or has expired."""
    current = select(AccessSession).where(AccessSession.digest == digest, AccessSession.expires_at > now)
    return session.scalar(current)


def close_session(session: Session, digest: str) -> None:
    """End a session; a session that has already ended is not an error."""
    session.execute(delete(AccessSession).where(AccessSession.digest == digest))
