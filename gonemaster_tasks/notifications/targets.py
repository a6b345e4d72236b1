"""Allowed webhook targets: URLs, and the addresses of their hosts at the time of an attempt.

The host is looked up once, checked, and connected to, so that its address cannot change in between.
"""

import ipaddress
import logging
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.texts import Text
from gonemaster_tasks.notifications.failures import DeliveryFailed, TargetRefused
from gonemaster_tasks.notifications.threads import in_thread

log = logging.getLogger(__name__)

MAX_URL_LENGTH = 2048
MAX_ADDRESSES = 32
_PLAIN = re.compile(r"[!-~]+")  # urlsplit accepts blanks and control characters
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_THIS_HOST = re.compile(r"(.*\.)?localhost|localhost[46]?(\.localdomain[46]?)?|ip6-(localhost|loopback)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOWEST_FREE_PORT = 1024  # Lower ports belong to mail, name servers and similar services, except for HTTP itself.


@dataclass(frozen=True)
class Target:
    """A checked URL. `host` is a host name, or an address without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address."""
        return _as_address(self.host) is not None

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def place(self) -> str:
        """Host and port, which identify a receiver in logs and in the limits of attempts."""
        return f"{self.host}:{self.port}"


def read_target(url: str, *, allow_private: bool) -> Target:
    """Parse and check a URL without network access.

    Raises:
        TargetRefused: the URL is invalid or not an allowed target.
    """
    if len(url) > MAX_URL_LENGTH or not _PLAIN.fullmatch(url):
        raise TargetRefused(
            Text(
                "must be a URL of at most {longest_url} printable ASCII characters without blanks",
                longest_url=MAX_URL_LENGTH,
            )
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetRefused(Text("must be a URL with a valid host and port")) from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise TargetRefused(Text("must be an absolute URL with http or https"))
    if "@" in parts.netloc or "#" in url:
        raise TargetRefused(Text("must not contain a user, a password or a fragment"))
    if "[" in parts.netloc and ":" not in parts.hostname:  # urlsplit accepts [v1.name] (RFC 3986, section 3.2.2)
        raise TargetRefused(Text("must be a URL with a valid host and port"))
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if port not in _DEFAULT_PORTS.values() and port < _LOWEST_FREE_PORT:
        raise TargetRefused(
            Text(
                "must have port 80, 443, or {lowest_free_port} or above, not {port}",
                lowest_free_port=_LOWEST_FREE_PORT,
                port=port,
            )
        )
    host = _read_host(parts.hostname, allow_private=allow_private)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def _read_host(text: str, *, allow_private: bool) -> str:
    address = _as_address(text)
    if address is not None:
        if not is_allowed_target(address, guarded=not allow_private):
            raise TargetRefused(
                Text("must not have the address {refusal}", refusal=_refusal(address, allow_private=allow_private))
            )
        return address
    host = text.lower().removesuffix(".")
    last = host.rpartition(".")[2]
    if _NUMBER.fullmatch(last):  # resolvers read 127.1, 2130706433 and 0x7f000001 as addresses
        raise TargetRefused(Text("must have a host name or a complete IP address, not an abbreviated one"))
    if _THIS_HOST.fullmatch(host) and not allow_private:
        raise TargetRefused(Text("must not have a name of this host; see allow_private_webhooks"))
    if len(host) > 253 or not _HOST_NAME.fullmatch(host):
        raise TargetRefused(Text("must have a host name in ASCII, or an IP address without a zone identifier"))
    return host


def _as_address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


async def addresses_of(target: Target, *, allow_private: bool) -> Sequence[str]:
    """Look up the host and return its addresses.

    The refusal has the same text for every reason, because the user who chose the host can read it: it must not reveal
    which internal names exist and where they lead. The log has the reason.

    Raises:
        DeliveryFailed: the host has no address, or one of its addresses is not allowed.
    """
    if target.is_address:
        found = [target.host]
    else:
        try:
            found = await in_thread(lambda: _look_up(target), name="look-up of a receiver")
        except OSError as error:
            log.warning("receiver has no address", extra={"host": target.host, "error": str(error)})
            found = []
    refused = [address for address in found if not is_allowed_target(address, guarded=not allow_private)]
    if refused:
        log.warning("receiver has addresses that are not allowed", extra={"host": target.host, "addresses": refused})
    if refused or not found:
        raise DeliveryFailed(
            Text(
                "{host} has no address, or an address that is not allowed; see allow_private_webhooks", host=target.host
            )
        )
    return found[:MAX_ADDRESSES]


def _look_up(target: Target) -> list[str]:
    rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def _refusal(address: str, *, allow_private: bool) -> str:
    if allow_private:
        return Text("{address}, which is not a unicast address", address=address)
    return Text(
        "{address}, which is not a globally reachable address of another host; see allow_private_webhooks",
        address=address,
    )
