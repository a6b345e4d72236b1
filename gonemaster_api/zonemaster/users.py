"""Users of the batch methods: a user name with its key, or a token of this service as the key.

Both are rows of the same table, and revoked in the same way. A key is chosen by people and may be guessed, so that a
client with too many failures is refused before its key is checked; a token cannot be guessed and is always accepted.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

from sqlalchemy.orm import Session

from gonemaster_api.auth.keyring import Token
from gonemaster_api.auth.tokens import token_id, user_digest
from gonemaster_api.state import State
from gonemaster_api.web.clients import client_address, client_key, comes_through_unknown_proxy, is_local_client
from gonemaster_api.zonemaster.errors import refused
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreError, TokenExists
from gonemaster_db.service.access import BATCH_USER, add_token
from gonemaster_db.service.audit import record_action
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.credential_types import Scope


def require_batch_user(state: State, params: Mapping[str, Any]) -> Token:
    """Return the sender of a batch.

    Raises:
        RpcError: user and key do not match, or the client has failed too often.
    """
    name, key = params.get("username", ""), params.get("batch_api_key") or params.get("api_key", "")
    token = state.keyring.find(key)
    if token is None:
        if wait_s := state.failures.left_s(client_key()):
            _refuse_guesses(wait_s)
        token = state.keyring.find_batch_user(name, key)
    if token is not None and token.scope.includes(Scope.OPERATE):
        return token
    if wait_s := state.failures.note(client_key()):
        _refuse_guesses(wait_s)
    raise refused(Text("User not authorized to use batch mode"), username=name)


def _refuse_guesses(wait_s: int) -> NoReturn:
    text = Text("Too many wrong keys from this client; try again in {wait_s} s", wait_s=wait_s)
    raise refused(text, code="rate_limited", retry_after=wait_s)


def add_batch_user(state: State, name: str, key: str) -> int:
    """Add a user and return 1, as Zonemaster does.

    Raises:
        RpcError: the user exists, or the client is on another host.
    """
    if comes_through_unknown_proxy():  # the address is that of the proxy, not of the client
        text = Text('Call to "add_api_user" method not permitted through a proxy that is not in trusted_proxy_cidrs')
        raise refused(text, proxy_ip=client_address())
    if not is_local_client():
        text = Text('Call to "add_api_user" method not permitted from a remote IP')
        raise refused(text, remote_ip=client_address())
    now, digest = utcnow(), user_digest(name, key)

    def store(session: Session) -> None:
        add_token(session, digest, label=name, scopes=[BATCH_USER], now=now)
        details = {"label": name, "scopes": [BATCH_USER]}
        record_action(session, "token.add", who="zonemaster", now=now, target=token_id(digest), details=details)

    try:
        state.store.run_in_transaction(store)
    except TokenExists as error:
        raise refused(Text("User already exists"), username=name) from error
    with suppress(StoreError):  # the user is stored, so the response must not be an error
        state.keyring.refresh()
    return 1
