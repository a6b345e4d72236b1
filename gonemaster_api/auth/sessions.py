"""Browser sessions: opened with a token, stored in the database, ended by expiry, logout or revocation of the token."""

from dataclasses import dataclass
from datetime import timedelta

from gonemaster_api.auth.keyring import Keyring, Token
from gonemaster_api.auth.tokens import digest_of, is_session, new_session
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.service.access import close_session, find_session, open_session

LIFE = timedelta(hours=12)  # a working day
COOKIE = "gm_admin"


@dataclass(frozen=True)
class Sessions:
    """The sessions of all processes. All methods raise StoreError."""

    store: Store
    keyring: Keyring

    def open(self, token: Token) -> str:
        """Open a session for a valid token and return the cookie value. Only the digest of the value is stored."""
        value, now = new_session(), utcnow()
        self.store.run_in_transaction(
            lambda session: open_session(
                session, digest_of(value), token_digest=token.digest, now=now, expires_at=now + LIFE
            )
        )
        return value

    def token_of(self, value: str) -> Token | None:
        """Return the token of a session if the session and the token are still valid."""
        if not is_session(value):
            return None
        with self.store.read_only() as session:
            found = find_session(session, digest_of(value), now=utcnow())
        return self.keyring.with_digest(found.token_digest) if found else None

    def close(self, value: str) -> None:
        """Close a session in all processes immediately."""
        if is_session(value):
            digest = digest_of(value)
            self.store.run_in_transaction(lambda session: close_session(session, digest))
