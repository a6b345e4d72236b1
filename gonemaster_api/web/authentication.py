"""Authentication: identify the sender of each request before the request is processed."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, NoReturn

from flask import Flask, Response, g, render_template, request

from gonemaster_api.auth.keyring import Token
from gonemaster_api.auth.sessions import COOKIE
from gonemaster_api.errors import ApiError
from gonemaster_api.state import State, state
from gonemaster_api.web.access import access_of, access_of_unknown
from gonemaster_api.web.clients import client_key
from gonemaster_api.web.headers import is_api
from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.credential_types import Scope
from gonemaster_tasks.monitoring.pending_calls import CallTimeout, PendingCall

ABSENT = Text("this request needs a token: Authorization: Bearer gm_..., or the cookie of POST /api/v1/session")
INVALID = Text("the token or session is not valid")
_PAGES_OF_THE_API = frozenset({"docs.page", "api_root"})


@dataclass(frozen=True)
class Identity:
    """The sender of a request, and the kind of credential that identified it."""

    token: Token
    by: Literal["bearer", "cookie"]


def register_authentication(app: Flask) -> None:
    """Allow each request that needs no token or presents one with a sufficient scope."""
    app.before_request(_authenticate)
    app.after_request(_forbid_caching)


def _authenticate() -> Response | None:
    """Identify the sender of the request and check its scope.

    Raises:
        ApiError: 401 unauthorized, 403 forbidden, 429 rate_limited.
        StoreError: the tokens or sessions cannot be read; no request is authenticated.
    """
    shared = state()
    needed = _needed_scope(shared)
    if needed is None or shared.keyring.mode() == "open":
        return None
    try:
        identity = identify(shared)
        if identity is None:
            refuse(shared, ABSENT)
    except ApiError as error:
        if wants_page():
            return login_page(error)
        raise
    g.identity, g.token_label = identity, identity.token.name
    if not identity.token.scope.includes(needed):
        text = Text(
            "this request needs the scope {needed}; the token has {scope}", scope=identity.token.scope, needed=needed
        )
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", text, details={"scope": needed.value})
    return None


def _needed_scope(shared: State) -> Scope | None:
    rule = access_of(request.endpoint) if request.endpoint else access_of_unknown(request.path)
    return rule.scope(request.method, protect_public=shared.settings.auth_protect_public)


def identify(shared: State) -> Identity | None:
    """Return the sender of the request, or None if it presents no credentials. A token takes precedence over a cookie.

    Raises:
        ApiError: 401 unauthorized or 429 rate_limited, because the credentials are not valid.
        StoreError: the tokens or sessions cannot be read.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        token = shared.keyring.find(bearer_of(header))
        return Identity(token, "bearer") if token else refuse(shared, INVALID)
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    token = _token_of(shared, cookie)
    return Identity(token, "cookie") if token else refuse(shared, INVALID)


def _token_of(shared: State, cookie: str) -> Token | None:
    """Return the token of a session. Raises StoreError, without a long wait if the database does not respond."""
    reading = PendingCall(lambda: shared.sessions.token_of(cookie))
    try:
        return reading.result_while_reachable(shared.store.ping, shared.wait_until())
    except CallTimeout as error:
        raise StoreUnavailable(Text("the database does not answer")) from error


def bearer_of(header: str) -> str:
    """Return the token of an Authorization header (RFC 6750 section 2.1), or an empty string for another scheme."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def refuse(shared: State, message: str) -> NoReturn:
    """Respond with 401, or with 429 to a client that has received too many 401 responses.

    Raises:
        ApiError: always.
    """
    wait_s = shared.failures.note(client_key())
    if wait_s:
        text = Text("too many requests from this client without a valid token; requests with a valid token are served")
        raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", text, headers={"Retry-After": str(wait_s)})
    challenge = 'Bearer realm="gonemaster"' + (', error="invalid_token"' if message == INVALID else "")
    raise ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized", message, headers={"WWW-Authenticate": challenge})


def wants_page() -> bool:
    """Return whether a browser requests a page, as opposed to a program that requests data."""
    if is_api(request.path) and request.endpoint not in _PAGES_OF_THE_API:
        return False
    kinds = ["application/json", "text/html"]  # the first wins a tie, since programs send */*
    return request.method == "GET" and request.accept_mimetypes.best_match(kinds) == "text/html"


def login_page(error: ApiError) -> Response:
    """Return the login page, at the requested URL."""
    target = request.full_path.rstrip("?") if request.method == "GET" else request.form.get("next", "/")
    shown = "" if error.message == ABSENT else error.message
    response = Response(render_template("login/page.html", problem=shown, target=target), status=error.status)
    response.headers.update(error.headers)
    return response


def _forbid_caching(response: Response) -> Response:
    """Keep protected responses out of caches, both shared caches and the browser's cache after a logout."""
    identity: Identity | None = g.get("identity")
    if identity is not None or response.status_code == HTTPStatus.UNAUTHORIZED:
        if response.cache_control.public or response.cache_control.max_age:
            response.cache_control.public = False
            response.cache_control.private = True
        elif not response.cache_control or not ("ETag" in response.headers or response.is_streamed):
            # A response that cannot be revalidated, such as a page, must not be stored on the disk of a shared
            # computer.
            response.headers["Cache-Control"] = "no-store"
        response.vary.update(("Authorization", "Cookie"))
    return response
