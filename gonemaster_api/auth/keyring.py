"""The tokens that a process knows: those of its configuration and those of the database, less the revoked ones."""

import hmac
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gonemaster_api.auth.tokens import digest_of, is_token, token_id
from gonemaster_db.core.errors import StoreOutdated
from gonemaster_db.core.session import Store
from gonemaster_db.models import AccessToken
from gonemaster_db.service.access import list_tokens
from gonemaster_tasks.config.credential_types import AdminToken, Scope, widest
from gonemaster_tasks.config.loader import reread_tokens
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.errors import SettingsError
from gonemaster_tasks.repeating import RepeatedTask

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.4

Mode = Literal["open", "token"]


@dataclass(frozen=True)
class Token:
    """A token that is valid."""

    digest: str
    label: str
    scope: Scope

    @property
    def name(self) -> str:
        """Its label, or its id if it has none; what the audit shows."""
        return self.label or f"token:{token_id(self.digest)}"


class Keyring:
    """The valid tokens, read again twice a second: the database is the only truth, and needs no Redis for it.

    Once there were tokens, a process never becomes open again: to revoke the last one must not open the door.
    Whatever cannot be read leaves what was known before; before the first time nothing is known, and nobody gets in.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._loading = threading.Lock()
        self._reread = threading.Event()
        self._configured = self._first_configuration()
        self._tokens: Mapping[str, Token] | None = None
        self._mode: Mode = "token" if settings.admin_tokens or self._configured else "open"
        self._task = RepeatedTask("tokens", self.refresh, pause_s=POLL_INTERVAL_S)

    def _first_configuration(self) -> tuple[AdminToken, ...]:
        """Read the file, which may have changed since the parent of this process did.

        If that fails nothing of it counts: what the parent has read may have been revoked since.
        """
        try:
            return reread_tokens(self._settings)
        except SettingsError as error:
            log.error("the tokens of the configuration could not be read", extra={"error": str(error)})
            return ()

    def start(self) -> None:
        """Read the tokens, then follow the database."""
        self._task.attempt()
        self._task.start()

    def stop(self) -> None:
        """Stop following."""
        self._task.stop()

    def reread_soon(self) -> None:
        """Read the configuration file again; safe in a signal handler."""
        self._reread.set()
        self._task.wake()

    def refresh(self) -> None:
        """Read the tokens. Raises StoreError: what was known before stays."""
        with self._loading:
            if self._reread.is_set():
                self._reread.clear()
                self._read_configuration()
            rows = self._stored()
            if rows or self._configured:
                self._become_guarded()
            self._tokens = _valid(self._configured, rows)

    def _read_configuration(self) -> None:
        try:
            self._configured = reread_tokens(self._settings)
        except SettingsError as error:
            log.error("tokens not read again, those of before stay valid", extra={"error": str(error)})
        else:
            log.info("tokens of the configuration read", extra={"tokens": len(self._configured)})

    def _stored(self) -> list[AccessToken]:
        try:
            with self._store.read_only() as session:
                return list_tokens(session)
        except StoreOutdated:  # it has no such table, so no token was ever stored
            return []

    def _become_guarded(self) -> None:
        if self._mode == "open":
            self._mode = "token"
            if self._tokens is not None:
                log.info("there are admin tokens now: requests need one")

    def mode(self) -> Mode:
        """Return whether requests need a token.

        Raises:
            StoreError: the tokens were never read.
        """
        if self._tokens is None:
            self.refresh()
        return self._mode

    @property
    def known_mode(self) -> Mode | None:
        """Whether requests need a token, None while that was not read; never waits."""
        return None if self._tokens is None else self._mode

    def has(self, secret: str) -> bool:
        """Return whether a token is valid, as far as that was read; never waits."""
        return self._tokens is not None and self.find(secret) is not None

    def find(self, secret: str) -> Token | None:
        """Return the valid token that a client has presented, in a time that says nothing about the others.

        Raises:
            StoreError: the tokens were never read.
        """
        found = None
        given = digest_of(secret)
        for token in self._known().values():  # to the end, whichever it is
            if hmac.compare_digest(token.digest, given):
                found = token
        return found if is_token(secret) else None

    def with_digest(self, digest: str) -> Token | None:
        """Return a valid token by its digest, as sessions name it. Raises StoreError like `find`."""
        return self._known().get(digest)

    def is_valid(self, digest: str) -> bool:
        """Return whether a token that was valid still is."""
        return self._tokens is not None and digest in self._tokens

    def _known(self) -> Mapping[str, Token]:
        if self._tokens is None:
            self.refresh()
        return self._tokens or {}


def _valid(configured: Iterable[AdminToken], rows: Iterable[AccessToken]) -> dict[str, Token]:
    """Join the tokens of both places; a row of the database overrules a configuration."""
    tokens = {item.hash: Token(item.hash, item.label, widest(item.scopes)) for item in configured}
    for row in rows:
        tokens.pop(row.digest, None)
        if row.revoked_at is None:
            tokens[row.digest] = Token(row.digest, row.label, _scope_of(row))
    return tokens


def _scope_of(row: AccessToken) -> Scope:
    try:
        return widest(row.scopes)
    except ValueError:  # a scope of a later version: what is not understood allows least
        return Scope.READ
