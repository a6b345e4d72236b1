"""The permissions of the request's token: pages hide buttons that it may not use."""

from flask import g

from gonemaster_api.state import state
from gonemaster_api.web.access import access_of
from gonemaster_tasks.config.credential_types import Scope


def may(scope: str) -> bool:
    """Return whether the request has a scope: `read`, `operate` or `admin`."""
    if state().keyring.mode() == "open":
        return True
    identity = g.get("identity")
    return identity is not None and identity.token.scope.includes(Scope(scope))


def can_post(endpoint: str) -> bool:
    """Return whether the request may send a POST to an endpoint, according to the access table."""
    needed = access_of(endpoint).scope("POST", protect_public=state().settings.auth_protect_public)
    return needed is None or may(needed)


def user() -> str:
    """Return the label of the token, empty without a token."""
    found: str = g.get("token_label", "")
    return found
