"""Proxy headers: trusted proxies, client addresses and request ids."""

import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask, Response, g, request

from gonemaster_api.web.exporter import http_metrics

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_MAX_HOPS = 2_048  # characters of X-Forwarded-For that are read, from its end
_SCHEMES = frozenset({"http", "https"})
_FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)


class TrustedProxies:
    """WSGI middleware that applies the headers of trusted proxies and removes the headers of all other peers.

    `stripped` counts the requests of untrusted peers that carried such headers. This is middleware and not a
    before_request hook, because Flask reads host and scheme before any view or hook runs.
    """

    def __init__(
        self,
        application: WSGIApplication,
        networks: Iterable[str],
        on_stripped: Callable[[], object] = lambda: None,
    ) -> None:
        self._application = application
        self._on_stripped = on_stripped
        self._networks = tuple(ipaddress.ip_network(network) for network in networks)
        self.stripped = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Set REMOTE_ADDR, scheme and host to the values of the client, then call the application."""
        if self.trusts(environ.get("REMOTE_ADDR", "")):
            self._apply(environ)
        elif forged := [name for name in _FORWARDED if name in environ]:
            self.stripped += 1
            environ["gonemaster.untrusted_proxy"] = True
            self._on_stripped()
            for name in forged:
                del environ[name]
        return self._application(environ, start_response)

    def _apply(self, environ: WSGIEnvironment) -> None:
        environ["gonemaster.trusted_peer"] = True
        environ["REMOTE_ADDR"] = self._client(environ)
        scheme = _last(environ.get("HTTP_X_FORWARDED_PROTO", ""))
        if scheme in _SCHEMES:
            environ["wsgi.url_scheme"] = scheme
        host = _last(environ.get("HTTP_X_FORWARDED_HOST", ""))
        if host:
            environ["HTTP_HOST"] = host

    def _client(self, environ: WSGIEnvironment) -> str:
        """Walk X-Forwarded-For from the right to the first address that is not a trusted proxy.

        Each proxy appends the peer that it saw. Everything to the left of the first untrusted address is an unverified
        claim of the client.
        """
        client: str = environ.get("REMOTE_ADDR", "")
        hops = environ.get("HTTP_X_FORWARDED_FOR", "")
        if len(hops) > _MAX_HOPS:
            hops = hops[-_MAX_HOPS:].partition(",")[2]  # without an incomplete address
        for hop in reversed(hops.split(",")):
            address = _without_port(hop.strip())
            if not _is_address(address):
                break
            client = address
            if not self.trusts(address):
                break
        return client

    def trusts(self, address: str) -> bool:
        """Return whether an address is that of a trusted proxy."""
        if not self._networks or not _is_address(address):
            return False
        peer = ipaddress.ip_address(address)
        peer = getattr(peer, "ipv4_mapped", None) or peer  # a dual-stack socket reports IPv4 peers in IPv6 form
        return any(peer in network for network in self._networks)


def _without_port(hop: str) -> str:
    """Return the address of `192.0.2.1:4711`, `[2001:db8::1]:4711` or `[2001:db8::1]`, as some proxies write it."""
    found = _WITH_PORT.fullmatch(hop)
    return found[1] or found[2] if found else hop


def _last(header: str) -> str:
    return header.rsplit(",", 1)[-1].strip()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def register_proxies(app: Flask, trusted_networks: Iterable[str]) -> None:
    """Install the middleware and the request ids."""
    count = http_metrics(app).stripped.inc
    app.wsgi_app = TrustedProxies(app.wsgi_app, trusted_networks, count)  # type: ignore[method-assign]
    app.before_request(_name_request)
    app.after_request(_show_request_id)
    app.teardown_request(_forget_request)


def _name_request() -> None:
    given = request.headers.get("X-Request-Id", "")
    accepted = request.environ.get("gonemaster.trusted_peer") and _REQUEST_ID.fullmatch(given)
    g.request_id = given if accepted else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)  # for all log lines of this thread


def _forget_request(_error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()


def _show_request_id(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id") or uuid.uuid4().hex
    return response
