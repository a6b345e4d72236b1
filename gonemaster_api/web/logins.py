"""Login and logout in browsers, with a session cookie."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from gonemaster_api.auth.keyring import Mode, Token
from gonemaster_api.auth.sessions import COOKIE, LIFE
from gonemaster_api.errors import ApiError
from gonemaster_api.state import State
from gonemaster_api.web.authentication import INVALID, identify, refuse
from gonemaster_tasks.config.credential_types import Scope


@dataclass(frozen=True)
class Caller:
    """The sender of a request, as reported by whoami."""

    mode: Mode
    token: Token | None = None

    @property
    def authenticated(self) -> bool:
        """Whether the caller can use resources that need a token."""
        return self.mode == "open" or self.token is not None

    def document(self) -> dict[str, str | bool | Scope]:
        """Return the response body of whoami."""
        facts: dict[str, str | bool | Scope] = {"mode": self.mode, "authenticated": self.authenticated}
        return facts | ({"label": self.token.name, "scope": self.token.scope} if self.token else {})


def caller(shared: State) -> Caller:
    """Return the sender of this request.

    An invalid token or session counts as a failed attempt, and the caller has no token.

    Raises:
        ApiError: 429 rate_limited.
        StoreError: the tokens cannot be read.
    """
    mode = shared.keyring.mode()
    try:
        identity = identify(shared) if mode == "token" else None
    except ApiError as error:
        if error.status != HTTPStatus.UNAUTHORIZED:
            raise
        identity = None
    return Caller(mode, identity.token if identity else None)


def log_in(shared: State, secret: str) -> tuple[Caller, str]:
    """Open a session for a token, and return the caller and the value of the session cookie.

    Raises:
        ApiError: 401 unauthorized, 429 rate_limited.
        StoreError: the session cannot be stored.
    """
    token = shared.keyring.find(secret)
    if token is None:
        refuse(shared, INVALID)
    return Caller("token", token), shared.sessions.open(token)


def log_out(shared: State) -> None:
    """Close the session of this request, if it has one. Raises StoreError."""
    shared.sessions.close(request.cookies.get(COOKIE, ""))


def set_cookie(response: Response, shared: State, value: str) -> Response:
    """Set the session cookie, or delete it if the value is empty.

    SameSite is Lax and not Strict, because links in mails lead to pages. Requests from pages of other sites cannot
    change anything in any case (web/origins.py).
    """
    response.set_cookie(
        COOKIE,
        value,
        max_age=int(LIFE.total_seconds()) if value else 0,
        path="/",
        secure=request.is_secure or shared.settings.public_url.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
    response.cache_control.no_store = True
    return response
