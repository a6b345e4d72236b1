"""The listening socket of the API.

It is bound before any child starts, so that a port in use is reported immediately. It stays open while the API
restarts, so that clients wait in the backlog instead of being refused.
"""

import errno
import ipaddress
import os
import socket
from collections.abc import Sequence

_FIRST_DESCRIPTOR = 3  # SD_LISTEN_FDS_START
_FLAG = "--listen"


class CannotListen(Exception):
    """The address is in use, does not belong to this machine, or is not permitted."""


class NotLoopback(CannotListen):
    """Other machines could reach the address."""

    def __init__(self, listen_addr: str) -> None:
        super().__init__(
            f"cannot listen on {listen_addr}: no admin tokens are configured, so that everyone who reaches this address"
            " could do everything; listen on a loopback address such as 127.0.0.1:8080, behind a proxy that requires a"
            " login, or, in a network in which every machine and user is trusted, add --insecure-open"
            " (GONEMASTER_INSECURE_OPEN=true)"
        )


def is_loopback(address: Sequence[str | int | bytes]) -> bool:
    """Return whether only this machine can reach a socket with this address, as returned by `getsockname`."""
    ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def split_address(listen_addr: str) -> tuple[str, int]:
    """Split `host:port` and remove brackets around an IPv6 address."""
    host, _, port = listen_addr.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def bind(listen_addr: str, *, loopback_only: bool = False, flag: str = _FLAG) -> socket.socket:
    """Bind and listen; port 0 selects a free port. With `loopback_only` other machines cannot reach the socket.

    A socket that systemd hands over for the API is returned instead; its unit has the address. `flag` is the option
    that names the address.

    Raises:
        NotLoopback: other machines could reach the address.
        CannotListen: the message contains the remedy.
    """
    inherited = from_systemd() if flag == _FLAG else None
    if inherited is not None:
        if loopback_only and not is_loopback(inherited.getsockname()):
            inherited.close()
            raise NotLoopback(listen_addr)
        return inherited
    host, port = split_address(listen_addr)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a host name"
        raise CannotListen(f"cannot listen on {listen_addr}: {reason}") from error
    if loopback_only and not is_loopback(address):
        listener.close()
        raise NotLoopback(listen_addr)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)  # the address that was checked; the name may resolve differently next time
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise CannotListen(_sentence(listen_addr, error, flag)) from error
    return listener


def from_systemd() -> socket.socket | None:
    """Return the socket that a socket unit of systemd hands over, or None if there is none (sd_listen_fds(3)).

    The unit keeps the socket open while the service restarts, so that clients wait in the backlog.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS", "0") == "0":
        return None
    return socket.socket(fileno=os.dup(_FIRST_DESCRIPTOR))


def url_of(listener: socket.socket) -> str:
    """Return the URL at which a browser on this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _sentence(listen_addr: str, error: OSError, flag: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"cannot listen on {listen_addr}: another program uses that port;"
            f" stop it, or name another address with {flag}"
        )
    return f"cannot listen on {listen_addr}: {error.strerror}"
