"""The listening socket of the API.

It is bound before any child starts, so that a port in use is reported at once, and kept while the API restarts, so
that clients wait in the backlog instead of being refused.
"""

import errno
import socket


class CannotListen(Exception):
    """The address is in use, not of this machine, or not permitted."""


def split_address(listen_addr: str) -> tuple[str, int]:
    """Split `host:port`; brackets around an IPv6 address are dropped."""
    host, _, port = listen_addr.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def bind(listen_addr: str) -> socket.socket:
    """Bind and listen; port 0 takes a free one.

    Raises:
        CannotListen: the message says what to do.
    """
    host, port = split_address(listen_addr)
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotListen(f"cannot listen on {listen_addr}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise CannotListen(_sentence(listen_addr, error)) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL at which a browser on this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _sentence(listen_addr: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"cannot listen on {listen_addr}: another program uses that port;"
            " stop it, or name another address with --listen"
        )
    return f"cannot listen on {listen_addr}: {error.strerror}"
