"""A separate DNS on loopback addresses: described in a few lines and served by real servers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import dns.name

from .listening import Listener, bind_all
from .server import LoggedQuery, Server
from .signing import ds_texts
from .spec import ZoneSpec, normalized
from .zonedata import ZoneData

ROOT_SERVERS: Final = {"a.root-servers.net": "127.0.0.53", "b.root-servers.net": "127.0.1.53"}

Given = Mapping[str, str | Sequence[str]]


class Zone:
    """A zone of a world, with the differences between its servers."""

    def __init__(self, world: World, spec: ZoneSpec) -> None:
        self._world = world
        self.spec = spec
        self.held: dict[str, ZoneSpec] = {}
        for addresses in spec.ns.values():
            for address in addresses:
                self.held[address] = spec

    @property
    def addresses(self) -> list[str]:
        return list(self.held)

    @property
    def servers(self) -> list[Server]:
        return [self._world.server(address) for address in self.held]

    def on(self, address: str, **changes: Any) -> Zone:
        """Give one server a different version of the zone; the server need not be in the NS set."""
        base = self.held.get(address, self.spec)
        self.held[address] = base.changed(**changes)
        self._world.server(address)
        return self

    def not_on(self, *addresses: str) -> Zone:
        """Remove the zone from delegated servers, which makes them lame."""
        for address in addresses:
            del self.held[address]
        return self


class World:
    """Zones, servers and one port; a context manager that serves while it is entered."""

    def __init__(self, *, port: int = 0) -> None:
        self.port = port
        self.zones: dict[dns.name.Name, Zone] = {}
        self.servers: dict[str, Server] = {}
        self._listener: Listener | None = None

    def zone(self, origin: str, *, ns: Given | Sequence[str] | None = None, **fields: Any) -> Zone:
        """Describe a zone.

        `ns` maps names to an address, to several, or to `()` for a name in another zone; by default the zone gets ns1
        and ns2 with separate addresses. The other fields are those of `ZoneSpec`: `records` in zone file format,
        `signed=True` or a `Signing`, `delegation=False` or a `delegation(...)`, `serial`, `axfr` and so on.
        """
        self._refuse_when_running()
        name = dns.name.from_text(origin)
        nameservers = self._default_servers(name) if ns is None else ns
        zone = Zone(self, ZoneSpec(origin=name, **normalized({"ns": nameservers, **fields})))
        self.zones[name] = zone
        for address in (address for addresses in zone.spec.ns.values() for address in addresses):
            self.server(address)
        return zone

    def server(self, address_or_name: str) -> Server:
        """Return the server at an address, created if needed, or at the first address of a name server name."""
        try:
            address = str(ipaddress.ip_address(address_or_name))
        except ValueError:
            return self.servers[self.address_of(address_or_name)]
        if address not in self.servers:
            self._refuse_when_running()
            self.servers[address] = Server(address)
        return self.servers[address]

    def zone_of(self, origin: str) -> Zone:
        """Return a zone that was described before."""
        return self.zones[dns.name.from_text(origin)]

    def address_of(self, nameserver: str) -> str:
        host = dns.name.from_text(nameserver)
        for zone in self.zones.values():
            if zone.spec.ns.get(host):
                return zone.spec.ns[host][0]
        raise LookupError(f"no zone gives {nameserver} an address")

    @property
    def log(self) -> list[LoggedQuery]:
        """Return all queries so far in chronological order."""
        return sorted((query for server in self.servers.values() for query in server.log), key=lambda one: one.time)

    @property
    def hints_text(self) -> str:
        """Return the root hints in zone file format, with the trust anchors of a signed root."""
        signing = self._root().spec.signed
        lines = [f". 3600000 IN DS {text}" for text in ds_texts(dns.name.root, signing)] if signing else []
        for name, addresses in self._root().spec.ns.items():
            lines.append(f". 3600000 IN NS {name}")
            lines += [f"{name} 3600000 IN {'AAAA' if ':' in one else 'A'} {one}" for one in addresses]
        return "\n".join(lines) + "\n"

    def write_hints(self, path: Path) -> Path:
        path.write_text(self.hints_text, encoding="ascii")
        return path

    def start(self) -> World:
        """Load the zones and serve.

        Raises:
            OSError: no port is free, or an address (::1) does not belong to this host.
        """
        self._refuse_when_running()
        self._root()
        self._load()
        self.port, bound = bind_all(self.servers.values(), port=self.port)
        self._listener = Listener(bound, port=self.port)
        self._listener.start()
        return self

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _root(self) -> Zone:
        if dns.name.root not in self.zones:
            return self.zone(".", ns=ROOT_SERVERS)
        return self.zones[dns.name.root]

    def _load(self) -> None:
        held: dict[str, dict[dns.name.Name, ZoneData]] = {address: {} for address in self.servers}
        for origin, zone in self.zones.items():
            children = [child.spec for child in self._children(origin)]
            made: list[tuple[ZoneSpec, ZoneData]] = []
            for address, spec in zone.held.items():
                data = next((data for known, data in made if known is spec), None)
                if data is None:
                    data = ZoneData(spec, children)
                    made.append((spec, data))
                held[address][origin] = data
        for address, server in self.servers.items():
            server.authority.zones = held[address]

    def _children(self, origin: dns.name.Name) -> Iterator[Zone]:
        for name, zone in self.zones.items():
            if name != dns.name.root and self._parent(name) == origin:
                yield zone

    def _parent(self, name: dns.name.Name) -> dns.name.Name:
        ancestor = name.parent()
        while ancestor not in self.zones and ancestor != dns.name.root:
            ancestor = ancestor.parent()
        return ancestor

    def _default_servers(self, origin: dns.name.Name) -> dict[str, str]:
        """Return two addresses in different /16 networks, outside of the ranges that tests use explicitly."""
        number = len(self.zones)
        suffix = "" if origin == dns.name.root else f".{origin.to_text(omit_final_dot=True)}"
        return {f"ns{i}{suffix}": f"127.{200 + i}.{number // 250}.{number % 250 + 1}" for i in (1, 2)}

    def _refuse_when_running(self) -> None:
        if self._listener is not None:
            raise RuntimeError("a running world takes faults, but no more zones and servers")
