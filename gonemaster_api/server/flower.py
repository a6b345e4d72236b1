"""Flower next to the service: read-only, and with a login for every request."""

import base64
import hmac
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, NoReturn

import celery
import structlog
from kombu.exceptions import OperationalError

from gonemaster_api.auth.failures import FailedAttempts
from gonemaster_api.auth.keyring import Keyring, Token
from gonemaster_api.auth.sessions import COOKIE, Sessions
from gonemaster_api.server.supervisor import listening
from gonemaster_api.web.authentication import bearer_of
from gonemaster_api.web.clients import client_key
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store, open_store
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.credential_types import Scope
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.errors import BrokerUnavailable

log = structlog.get_logger(__name__)

_USER = "gonemaster"
_TEXTS = {
    401: "Login required: any user, and an admin token as the password",
    403: "The token does not allow this: it needs the scope operate",
    429: "Too many requests without a valid login",
    503: "The database is unavailable",
}


class FlowerMissing(Exception):
    """The package is not installed; the message contains the command to install it."""


def serve_flower(settings: Settings) -> NoReturn:
    """Serve until SIGTERM or SIGINT, then end the process.

    Raises:
        FlowerMissing: Flower is not installed.
        CannotListen: the address is in use or does not belong to this machine.
    """
    store = open_store(store_settings(settings))
    broker = Broker.open(settings.broker_url)
    door = FlowerAccess(settings, Keyring(settings, store), store=store, failures=FailedAttempts(broker))
    capp = make_app(settings.broker_url)
    capp.conf.broker_connection_max_retries = 1  # otherwise a stop would wait for an unavailable Redis
    application = _application(capp, door)
    from tornado.httpserver import HTTPServer

    with listening.bind(settings.flower_listen) as listener:
        listener.setblocking(False)
        server = HTTPServer(application)
        server.add_socket(listener)
        door.keyring.start()
        signal.signal(signal.SIGHUP, lambda *_: door.keyring.reread_soon())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stopper(application))
        # this comes last, because the reader may send a signal immediately
        _announce(listening.url_of(listener), door.generated)
        try:
            application.start()
        finally:
            server.stop()
            _disable_events(capp, settings)
    sys.stderr.flush()
    os._exit(0)  # Flower's threads may block on an unavailable Redis, and Python waits for threads at exit


def _announce(url: str, generated: str) -> None:
    """Log the URL and, if there is one, the generated password, which is shown only here."""
    if generated:
        user, _, password = generated.partition(":")
        log.info("flower is ready", url=url, user=user, password=password, setting="GONEMASTER_FLOWER_BASIC_AUTH")
    else:
        log.info("flower is ready", url=url)


def _stopper(application: Any) -> Callable[..., None]:
    def stop(*_: object) -> None:
        application.io_loop.add_callback_from_signal(application.stop)

    return stop


def _disable_events(capp: celery.Celery, settings: Settings) -> None:
    """Disable the event messages of the workers, because no process reads them any longer."""
    with suppress(BrokerUnavailable, OperationalError, OSError), closing(Broker.open(settings.broker_url)) as broker:
        broker.ping()
        capp.control.disable_events()
    capp.close()


class FlowerAccess:
    """The access check: a token or session with the scope `operate` is required; in open mode, the login.

    A browser sends the token as the password of any user. The login in the settings is valid in addition to tokens. In
    open mode a login is generated if the settings have none.
    """

    def __init__(self, settings: Settings, keyring: Keyring, *, store: Store, failures: FailedAttempts) -> None:
        self.keyring = keyring
        self._sessions = Sessions(store, keyring)
        self._failures = failures
        self._configured = settings.flower_basic_auth
        self.generated = "" if self._configured or not self._is_open() else f"{_USER}:{secrets.token_urlsafe(18)}"

    def _is_open(self) -> bool:
        try:
            return self.keyring.mode() == "open"
        except StoreError as error:
            log.warning("tokens could not be read", error=str(error))
            return False

    def refusal(self, authorization: str, *, cookie: str, client: str) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of a refusal. The status is 0 if the request is allowed."""
        if self._has_login(authorization):
            return 0, {}
        try:
            token = self._token(authorization, cookie)
        except StoreError:
            return 503, {"Retry-After": "5"}
        if token is not None:
            return (0 if token.scope.includes(Scope.OPERATE) else 403), {}
        wait_s = self._failures.note(client)
        if wait_s:
            return 429, {"Retry-After": str(wait_s)}
        return 401, {"WWW-Authenticate": 'Basic realm="gonemaster"'}

    def _has_login(self, authorization: str) -> bool:
        if self._configured:
            return is_login(authorization, self._configured)
        return bool(self.generated) and self._is_open() and is_login(authorization, self.generated)

    def _token(self, authorization: str, cookie: str) -> Token | None:
        secret = bearer_of(authorization) or _password(authorization)
        if secret:
            return self.keyring.find(secret)
        return self._sessions.token_of(cookie)


def _application(capp: celery.Celery, door: FlowerAccess) -> Any:
    """Return Flower's application.

    Its own login does not cover metrics, health and static files; ours covers everything.
    """
    try:
        from flower.app import Flower
        from flower.options import default_options
        from flower.urls import settings as site
    except ImportError as error:
        raise FlowerMissing("Flower is not installed: pip install 'gonemaster[flower]'") from error
    from tornado.ioloop import IOLoop
    from tornado.web import RequestHandler

    class Refused(RequestHandler):
        """A handler that refuses requests of any method."""

        def initialize(self, status: int, headers: dict[str, str]) -> None:
            self.refusal = status, headers

        def check_xsrf_cookie(self) -> None:
            """Skip the check, because the handler changes nothing."""

        def prepare(self) -> None:
            status, headers = self.refusal
            self.set_status(status)
            for name, value in headers.items():
                self.set_header(name, value)
            self.finish(f"{_TEXTS[status]}\n")

    inner = f"{_USER}:{secrets.token_urlsafe(18)}"  # Flower's own login is added to each allowed request
    passport = "Basic " + base64.b64encode(inner.encode()).decode()

    class ProtectedFlower(Flower):
        """Flower with an access check before routing."""

        def get_handler_delegate(self, request: Any, target_class: Any, *rest: Any, **named: Any) -> Any:
            cookie = request.cookies.get(COOKIE)
            status, headers = door.refusal(
                request.headers.get("Authorization", ""),
                cookie=cookie.value if cookie else "",
                client=client_key(request.remote_ip),
            )
            if status:
                return super().get_handler_delegate(request, Refused, {"status": status, "headers": headers})
            request.headers["Authorization"] = passport
            return super().get_handler_delegate(request, target_class, *rest, **named)

    logging.getLogger("tornado.access").setLevel(logging.ERROR)  # a browser's first request never has a login
    default_options.basic_auth = [inner]  # without a login Flower does not check the origin of requests
    default_options.read_only = True
    default_options.inspect_timeout = 3000.0  # milliseconds; a busy worker responds late
    return ProtectedFlower(capp=capp, options=default_options, io_loop=IOLoop(), **site)


def is_login(header: str, login: str) -> bool:
    """Return whether an Authorization header contains this `user:password`. The comparison takes constant time."""
    return hmac.compare_digest(_basic(header), login.encode())


def _password(header: str) -> str:
    """Return the password of an Authorization header of the scheme Basic. It may be a token."""
    return _basic(header).partition(b":")[2].decode("ascii", "replace")


def _basic(header: str) -> bytes:
    """Return `user:password` of an Authorization header (RFC 7617), or an empty value if there is none."""
    scheme, _, encoded = header.partition(" ")
    try:
        return base64.b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except ValueError:
        return b""
