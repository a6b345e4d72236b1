"""The tokens of database and configuration, as operators see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gonemaster_api.auth.tokens import token_id
from gonemaster_db.service.access import last_uses, list_tokens
from gonemaster_tasks.config.credential_types import AdminToken, Scope


@dataclass(frozen=True)
class ListedToken:
    """A token with its sources: the database, the configuration or both."""

    digest: str
    label: str
    scopes: tuple[str, ...]
    sources: tuple[str, ...]
    created_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    @property
    def id(self) -> str:
        """The short id of the token."""
        return token_id(self.digest)

    @property
    def shown_scopes(self) -> list[str]:
        """The scopes; a token without scopes has the scope admin."""
        return list(self.scopes) or [Scope.ADMIN.value]


def listed_tokens(session: Session, configured: Iterable[AdminToken]) -> list[ListedToken]:
    """Return the tokens of configuration and database, including revoked ones, one for each digest."""
    uses = last_uses(session)
    found = {
        token.hash: ListedToken(
            token.hash, token.label, token.scopes, ("configuration",), last_used_at=uses.get(token.hash)
        )
        for token in configured
    }
    for row in list_tokens(session):
        sources = (*(found[row.digest].sources if row.digest in found else ()), "database")
        times = (row.created_at, row.expires_at, row.revoked_at, uses.get(row.digest))
        found[row.digest] = ListedToken(row.digest, row.label, tuple(row.scopes), sources, *times)
    return list(found.values())
