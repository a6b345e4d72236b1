"""A TLD of the input parameters, and the paths to its name servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gonemaster_engine import names
from gonemaster_engine.context import DSInfo

UDP, TCP = "UDP", "TCP"
ENCRYPTED = ("DoT", "DoH", "DoQ")
PROTOCOLS = (UDP, TCP, *ENCRYPTED)


@dataclass(frozen=True, slots=True)
class NameserverInput:
    """A name server of the input parameters."""

    name: str
    addresses: tuple[str, ...]
    protocols: frozenset[str] = frozenset()  # encrypted transports that it is said to support


@dataclass(frozen=True, slots=True, order=True)
class ServerPath:
    """A path to a name server: its name, one of its addresses, and a protocol."""

    ns: str
    address: str
    protocol: str

    @property
    def is_ipv6(self) -> bool:
        """Whether the address is an IPv6 address."""
        return ":" in self.address

    def as_dict(self) -> dict[str, Any]:
        """Return the path as arguments of a finding."""
        return {"ns": self.ns, "address": self.address, "protocol": self.protocol}


@dataclass(frozen=True, slots=True)
class Tld:
    """A TLD with its name servers and DS records."""

    name: str
    servers: tuple[NameserverInput, ...]
    ds: tuple[DSInfo, ...]

    def has_in_zone(self, name: str) -> bool:
        """Return whether a name is in the zone of the TLD."""
        return names.is_in_domain(name, self.name)

    def paths(self) -> list[ServerPath]:
        """Return all paths, one per address and protocol, in the order of the input."""
        found: dict[tuple[str, str], ServerPath] = {}
        for server in self.servers:
            for address in server.addresses:
                for protocol in PROTOCOLS:
                    if protocol in (UDP, TCP) or protocol in server.protocols:
                        found.setdefault((address, protocol), ServerPath(server.name, address, protocol))
        return list(found.values())

    def glue(self, *, wide: bool) -> list[tuple[str, str | None]]:
        """Return the name servers of the delegation, with the addresses that the parent zone publishes as glue.

        With a narrow policy these are the addresses of name servers in the zone of the TLD. With a wide policy they
        are the addresses of all name servers below the parent zone, for a TLD those of all name servers.
        """
        found: list[tuple[str, str | None]] = []
        for server in self.servers:
            published = server.addresses if wide or self.has_in_zone(server.name) else ()
            found += [(server.name, address) for address in published] or [(server.name, None)]
        return found
