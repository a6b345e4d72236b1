"""Random local ports."""

from __future__ import annotations

import errno
import socket
from functools import cache
from pathlib import Path

from gonemaster_engine.errors import SourceAddressUnavailable
from gonemaster_engine.net.randomness import random_below

_LINUX_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DYNAMIC_PORTS = range(49152, 65536)  # RFC 6335 section 6
_TRIES = 16  # because a port may be in use

_TAKEN = frozenset({errno.EADDRINUSE, errno.EACCES})


@cache
def local_ports() -> range:
    """Return the ports that this host assigns to clients; ports reserved by the operator are excluded."""
    try:
        first, last = map(int, _LINUX_RANGE.read_text("ascii").split())
    except (OSError, ValueError):
        return _DYNAMIC_PORTS
    return range(first, last + 1)


def check_source(address: str) -> None:
    """Check that this host can send from an address; an empty address means any.

    Raises:
      SourceAddressUnavailable: the host cannot send from it.
    """
    if not address:
        return
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
    except OSError as error:
        raise SourceAddressUnavailable(address, error.strerror or str(error)) from error


def bind_to_random_port(sock: socket.SocketType, address: str) -> None:
    """Bind the socket to a port from the operating system's source of randomness; raises OSError.

    The kernel would choose a port, too, but on some kernels an observer of some ports can predict the next one.
    """
    ports = local_ports()
    for _ in range(_TRIES):
        try:
            sock.bind((address, ports[random_below(len(ports))]))
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
        else:
            return
    sock.bind((address, 0))
