"""Flower beside the service: read-only, and every request needs a login."""

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

from gonemaster_api.server.supervisor import listening
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.errors import BrokerUnavailable

log = structlog.get_logger(__name__)

_USER = "gonemaster"


class FlowerMissing(Exception):
    """The package is not installed; the message says how to install it."""


def serve_flower(settings: Settings) -> NoReturn:
    """Serve until SIGTERM or SIGINT, then end the process.

    Raises:
        FlowerMissing: it is not installed.
        CannotListen: the address is in use or not ours.
    """
    login = settings.flower_basic_auth or f"{_USER}:{secrets.token_urlsafe(18)}"
    capp = make_app(settings.broker_url, reap_interval_s=settings.reap_interval_seconds)
    capp.conf.broker_connection_max_retries = 1  # otherwise a stop would wait for an unavailable Redis
    application = _application(capp, login)
    from tornado.httpserver import HTTPServer

    with listening.bind(settings.flower_listen) as listener:
        listener.setblocking(False)
        server = HTTPServer(application)
        server.add_socket(listener)
        _announce(listening.url_of(listener), "" if settings.flower_basic_auth else login)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stopper(application))
        try:
            application.start()
        finally:
            server.stop()
            _switch_events_off(capp, settings)
    sys.stderr.flush()
    os._exit(0)  # Flower's threads may block on an unavailable Redis, and Python waits for threads at exit


def _announce(url: str, generated: str) -> None:
    """Log the URL, and a generated password: it is shown only here."""
    if generated:
        user, _, password = generated.partition(":")
        log.info("flower is ready", url=url, user=user, password=password, setting="GONEMASTER_FLOWER_BASIC_AUTH")
    else:
        log.info("flower is ready", url=url)


def _stopper(application: Any) -> Callable[..., None]:
    def stop(*_: object) -> None:
        application.io_loop.add_callback_from_signal(application.stop)

    return stop


def _switch_events_off(capp: celery.Celery, settings: Settings) -> None:
    """Stop the workers' event messages, which nobody reads any more."""
    with suppress(BrokerUnavailable, OperationalError, OSError), closing(Broker.open(settings.broker_url)) as broker:
        broker.ping()
        capp.control.disable_events()
    capp.close()


def _application(capp: celery.Celery, login: str) -> Any:
    """Make Flower's application. Its own login leaves metrics, health and static files open; ours covers all."""
    try:
        from flower.app import Flower
        from flower.options import default_options
        from flower.urls import settings as site
    except ImportError as error:
        raise FlowerMissing("Flower is not installed: pip install 'gonemaster[flower]'") from error
    from tornado.ioloop import IOLoop
    from tornado.web import RequestHandler

    class Refused(RequestHandler):
        """Requests a login for any method."""

        def check_xsrf_cookie(self) -> None:
            """Skip the check: the handler changes nothing."""

        def prepare(self) -> None:
            self.set_status(401)
            self.set_header("WWW-Authenticate", 'Basic realm="gonemaster"')
            self.finish("Login required\n")

    class Guarded(Flower):
        """Checks the login before routing."""

        def get_handler_delegate(self, request: Any, target_class: Any, *rest: Any, **named: Any) -> Any:
            if not is_login(request.headers.get("Authorization", ""), login):
                return super().get_handler_delegate(request, Refused)
            return super().get_handler_delegate(request, target_class, *rest, **named)

    logging.getLogger("tornado.access").setLevel(logging.ERROR)  # a browser's first request is always without login
    default_options.basic_auth = [login]
    default_options.read_only = True
    default_options.inspect_timeout = 3000.0  # milliseconds; a busy worker answers late
    return Guarded(capp=capp, options=default_options, io_loop=IOLoop(), **site)


def is_login(header: str, login: str) -> bool:
    """Return whether an Authorization header carries this `user:password`; compares in constant time."""
    scheme, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, login.encode())
