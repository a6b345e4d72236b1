"""The tokens that a process accepts: tokens of the configuration and the database, without the revoked ones."""

import hmac
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cachetools import TTLCache

from gonemaster_api.auth.tokens import digest_of, is_token, token_id, user_digest
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreOutdated
from gonemaster_db.core.session import Store
from gonemaster_db.models import AccessToken
from gonemaster_db.service.access import is_batch_user, list_tokens, record_uses
from gonemaster_tasks.config.credential_types import AdminToken, Scope, widest
from gonemaster_tasks.config.loader import reread_tokens
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.errors import SettingsError
from gonemaster_tasks.repeating import BEAT_S, RepeatedTask

log = logging.getLogger(__name__)

_USES_INTERVAL_S = 2.0
_USE_NOTED_S = 60.0
_MAX_NOTED = 10_000  # If more tokens are in use, some are written more often; the database still limits the writes.

Mode = Literal["open", "token"]


@dataclass(frozen=True)
class Token:
    """A valid token."""

    digest: str
    label: str
    scope: Scope
    expires_at: datetime | None = None

    @property
    def is_current(self) -> bool:
        """Whether the token has not expired."""
        return self.expires_at is None or utcnow() < self.expires_at

    @property
    def name(self) -> str:
        """The label, or the id if there is no label; shown in the audit log."""
        return self.label or f"token:{token_id(self.digest)}"


class Keyring:
    """The valid tokens, refreshed every 0.9 s, so that a request reads nothing from the database.

    The database is the only source of truth; Redis is not needed. The last uses are written by a separate task, because
    a locked database must not delay a revocation.

    Once tokens exist, a process never becomes open again, because revoking the last token must not grant access to
    everyone. If a read fails, the previous tokens stay valid. Before the first successful read no token is accepted.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._loading = threading.Lock()
        self._reread = threading.Event()
        self._configured = self._first_configuration()
        self._tokens: Mapping[str, Token] | None = None
        self._batch_users: Mapping[str, Token] = {}  # by name
        self._mode: Mode = "token" if settings.admin_tokens or self._configured else "open"
        self._used: set[str] = set()  # digests whose use is not written yet
        self._noted: TTLCache[str, bool] = TTLCache(_MAX_NOTED, _USE_NOTED_S)
        self._task = RepeatedTask("tokens", self.refresh, pause_s=BEAT_S)
        self._writing = RepeatedTask("token uses", self.write_uses, pause_s=_USES_INTERVAL_S)

    def _first_configuration(self) -> tuple[AdminToken, ...]:
        """Read the configuration file, which may have changed since the parent process read it.

        If that fails, ignore all tokens of the configuration, because tokens that the parent read may have been revoked
        since.
        """
        try:
            return reread_tokens(self._settings)
        except SettingsError as error:
            log.error("configured tokens could not be read", extra={"error": str(error)})
            return ()

    def start(self) -> None:
        """Read the tokens, then poll the database."""
        self._task.attempt()
        self._task.start()
        self._writing.start()

    def stop(self) -> None:
        """Stop polling."""
        self._task.stop()
        self._writing.stop()

    def reread_soon(self) -> None:
        """Request that the configuration file is read again; safe in a signal handler."""
        self._reread.set()
        self._task.wake()

    def refresh(self) -> None:
        """Read the tokens. Raises StoreError; the previous tokens then stay valid."""
        with self._loading:
            if self._reread.is_set():
                self._reread.clear()
                self._read_configuration()
            stored = self._stored()
            rows = [row for row in stored if not is_batch_user(row)]
            if rows or self._configured:
                self._require_tokens()
            users = (row for row in stored if is_batch_user(row) and row.revoked_at is None)
            self._batch_users = {row.label: Token(row.digest, row.label, Scope.OPERATE) for row in users}
            self._tokens = _valid(self._configured, rows)

    def write_uses(self) -> None:
        """Store the last use of tokens, at most once a minute for each token. Raises StoreError."""
        if not self._used:
            return
        used, self._used = self._used, set()
        self._store.run_in_transaction(lambda session: record_uses(session, used, now=utcnow()))
        self._noted.update(dict.fromkeys(used, True))

    def _read_configuration(self) -> None:
        try:
            self._configured = reread_tokens(self._settings)
        except SettingsError as error:
            log.error("tokens not reloaded, the previous ones stay valid", extra={"error": str(error)})
        else:
            log.info("configured tokens reloaded", extra={"tokens": len(self._configured)})

    def _stored(self) -> list[AccessToken]:
        try:
            with self._store.read_only() as session:
                return list_tokens(session)
        except StoreOutdated:  # an old schema without the table, so no token was ever stored
            return []

    def _require_tokens(self) -> None:
        if self._mode == "open":
            self._mode = "token"
            if self._tokens is not None:
                log.info("admin tokens exist now, requests need one")

    def mode(self) -> Mode:
        """Return whether requests need a token.

        Raises:
            StoreError: the tokens have never been read.
        """
        if self._tokens is None:
            self.refresh()
        return self._mode

    @property
    def configured(self) -> tuple[AdminToken, ...]:
        """The tokens of the configuration as last read, without the revoked ones."""
        return tuple(token for token in self._configured if self._tokens is None or token.hash in self._tokens)

    @property
    def known_mode(self) -> Mode | None:
        """Whether requests need a token, or None if the tokens have not been read yet; never blocks."""
        return None if self._tokens is None else self._mode

    def has(self, secret: str) -> bool:
        """Return whether a token is valid according to the last read; never blocks."""
        return self._tokens is not None and self.find(secret) is not None

    def find(self, secret: str) -> Token | None:
        """Return the valid token that a client has presented. The time taken reveals nothing about the other tokens.

        Raises:
            StoreError: the tokens have never been read.
        """
        found = None
        given = digest_of(secret)
        for token in self._known().values():  # no early exit, to keep the time constant
            if hmac.compare_digest(token.digest, given):
                found = token
        return self._usable(found) if is_token(secret) else None

    def find_batch_user(self, name: str, key: str) -> Token | None:
        """Return the user with this name and key, who may submit batches; without a name, the user with this key.

        A key is not a token: it is chosen by people and opens nothing else. Raises StoreError like `find`.
        """
        self._known()
        found = None
        for user in self._batch_users.values():
            if hmac.compare_digest(user.digest, user_digest(user.label, key)) and name in ("", user.label):
                found = user
        return self._usable(found)

    def with_digest(self, digest: str) -> Token | None:
        """Return a valid token by its digest, the form in which sessions store it. Raises StoreError like `find`."""
        return self._usable(self._known().get(digest))

    def is_valid(self, digest: str) -> bool:
        """Return whether a previously valid token is still valid."""
        token = (self._tokens or {}).get(digest)
        return token is not None and token.is_current

    def _usable(self, token: Token | None) -> Token | None:
        """Return a token that has not expired, and note its use."""
        if token is None or not token.is_current:
            return None
        if token.digest not in self._noted:
            self._used.add(token.digest)
        return token

    def _known(self) -> Mapping[str, Token]:
        if self._tokens is None:
            self.refresh()
        return self._tokens or {}


def _valid(configured: Iterable[AdminToken], rows: Iterable[AccessToken]) -> dict[str, Token]:
    """Merge the tokens of configuration and database; a database row overrides the configuration."""
    tokens = {item.hash: Token(item.hash, item.label, widest(item.scopes)) for item in configured}
    for row in rows:
        tokens.pop(row.digest, None)
        if row.revoked_at is None:
            tokens[row.digest] = Token(row.digest, row.label, _scope_of(row), row.expires_at)
    return tokens


def _scope_of(row: AccessToken) -> Scope:
    try:
        return widest(row.scopes)
    except ValueError:  # a scope of a later version: fall back to the narrowest scope
        return Scope.READ
