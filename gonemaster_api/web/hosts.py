"""The host names of this server. Requests with any other Host header are refused.

A hostile site can make its own name resolve to an address of this server (DNS rebinding). The browser then treats its
requests as same-origin, and only the Host header reveals which site the page belongs to.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, request

from gonemaster_api.errors import ApiError
from gonemaster_api.state import state
from gonemaster_engine.addresses import is_host, is_own
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.settings import Settings

_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]|([A-Za-z0-9._-]+))(?::[0-9]{0,5})?")  # host [":" port]
_ABSOLUTE_FORM = re.compile("[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")  # RFC 9112 section 3.2.2
_LOCALHOST = "localhost"
OWN_LISTENER = "gonemaster.zonemaster_listener"  # environ key of requests to the address of Zonemaster's API
_USUAL = 100  # characters of a Host header; longer values are not cached

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class KnownHosts:
    """The host names and addresses of this server; `own_addresses` adds the addresses of this machine."""

    names: frozenset[str]
    own_addresses: bool

    def has(self, authority: str) -> bool:
        """Return whether the value of a Host header names this server.

        The port is ignored, since port forwarding changes it.
        """
        host, address = _parsed(authority) if len(authority) <= _USUAL else _parse(authority)
        if host in self.names or host == _LOCALHOST:
            return True
        return address is not None and (address.is_loopback or (self.own_addresses and is_own_host(str(address))))


@lru_cache(maxsize=16)
def known_hosts(listen_addr: str, public_url: str, allowed_hosts: tuple[str, ...]) -> KnownHosts:
    """Return the hosts of this server according to the settings.

    A server that listens on all addresses, or on a name, can also be reached at the addresses of its machine. An IP
    address in the Host header is safe, because no DNS answer can make a page of another origin send it.
    """
    listening = host_of(listen_addr)
    address = _as_address(listening)
    is_everywhere = address is not None and address.is_unspecified
    is_name = address is None and listening != _LOCALHOST
    names = {canonical_host(name) for name in (*allowed_hosts, urlsplit(public_url).hostname or "")}
    names |= set() if is_everywhere else {listening}
    return KnownHosts(frozenset(names - {""}), own_addresses=is_everywhere or is_name)


def _parse(authority: str) -> tuple[str, Address | None]:
    host = host_of(authority)
    return host, _as_address(host)


_parsed = lru_cache(maxsize=64)(_parse)  # nearly all requests have the same Host header


def host_of(authority: str) -> str:
    """Return the canonical host of `host`, `host:port` or `[address]:port`, or an empty string for any other text."""
    found = _AUTHORITY.fullmatch(authority)
    return canonical_host(found[1] or found[2]) if found else ""


def canonical_host(text: str) -> str:
    """Return a host name in A-labels without a final dot, or an address in canonical form (RFC 5952).

    Return an empty string if the text is neither.
    """
    address = _as_address(text)
    if address is not None:
        return str(address)
    try:
        return normalize_domain(text)
    except InvalidDomain:
        return ""


def _as_address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_own_host(address: str) -> bool:
    """Return whether the address belongs to this machine."""
    return is_host(address) and is_own(address)


def register_host_check(app: Flask) -> None:
    """Refuse each request whose Host header does not name this server, before any other processing."""
    app.before_request(check_host)


def check_host() -> None:
    """Refuse a request for another host (RFC 9110 section 15.5.20).

    The host is named by the Host header or by an absolute-form target.

    A request without a Host header passes: HTTP/1.0 allows it, and no browser sends one.

    Raises:
        ApiError: 421 unknown_host.
    """
    absolute = _ABSOLUTE_FORM.match(request.environ.get("RAW_URI", ""))
    for authority in (request.environ.get("HTTP_HOST"), absolute and absolute[1]):
        if authority is not None and not _hosts_of(state().settings).has(authority):
            raise _unknown_host(authority[:100])


def _unknown_host(host: str) -> ApiError:
    hint = Text("if it is a name of this server, add it to allowed_hosts or set public_url")
    return ApiError(
        HTTPStatus.MISDIRECTED_REQUEST,
        "unknown_host",
        Text("this server does not answer for the host {host}; {hint}", host=repr(host), hint=hint),
        details={"host": host},
    )


def _hosts_of(settings: Settings) -> KnownHosts:
    listening = settings.zonemaster_listen if OWN_LISTENER in request.environ else settings.listen_addr
    return known_hosts(listening, settings.public_url, settings.allowed_hosts)
