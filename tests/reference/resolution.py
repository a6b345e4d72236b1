"""From the root to the tested zone: its delegation, and the addresses of names in other zones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.rdatatype import NS, SOA, RdataType

from tests.reference.messages import Reply, records
from tests.reference.network import Network, do, plain

Name = dns.name.Name
Servers = dict[Name, set[str]]
"""Addresses by server name."""

ADDRESS_TYPES: Final = (dns.rdatatype.A, dns.rdatatype.AAAA)
MAX_ALIASES: Final = 10
MAX_DEPTH: Final = 12


def lower(name: Name) -> Name:
    return name.canonicalize()


def targets(rrsets: Iterable[dns.rrset.RRset], owner: Name) -> set[Name]:
    """Return the names in the NS records of an owner."""
    return {lower(rdata.target) for rdata in records(list(rrsets), owner, NS)}  # type: ignore[attr-defined]


def glue(reply: Reply, name: Name) -> set[str]:
    """Return the addresses of a name in the additional section."""
    return {rdata.address for kind in ADDRESS_TYPES for rdata in records(reply.additional, name, kind)}  # type: ignore[attr-defined]


def addresses_of(servers: Mapping[Name, set[str]]) -> list[str]:
    return sorted({address for found in servers.values() for address in found})


@dataclass
class Resolution:
    """Iterative resolution with a cache; `hints` are the root servers."""

    network: Network
    hints: Servers
    _addresses: dict[Name, set[str]] = field(default_factory=dict)
    _cuts: dict[Name, Servers] = field(default_factory=dict)

    def addresses(self, name: Name, depth: int = 0) -> set[str]:
        """Return the addresses of a name by recursion from the root."""
        name = lower(name)
        if name not in self._addresses:
            self._addresses[name] = set()  # a name that depends on itself has no address
            self._addresses[name] = {
                rdata.address  # type: ignore[attr-defined]
                for kind in ADDRESS_TYPES
                for rdata in self.lookup(name, kind, depth + 1) or ()
            }
        return self._addresses[name]

    def lookup(self, name: Name, rdtype: RdataType, depth: int = 0) -> list[dns.rdata.Rdata] | None:
        """Return the records at the end of the aliases of a name; None without an authoritative response."""
        for _ in range(MAX_ALIASES):
            reply = self.query(name, rdtype, depth)
            if reply is None:
                return None
            for _ in range(MAX_ALIASES):
                if found := records(reply.answer, name, rdtype):
                    return found
                alias = records(reply.answer, name, dns.rdatatype.CNAME)
                if not alias:
                    break
                name = lower(alias[0].target)  # type: ignore[attr-defined]
            if not records(reply.answer, reply.message.question[0].name, dns.rdatatype.CNAME):
                return []
        return None

    def query(self, name: Name, rdtype: RdataType, depth: int = 0) -> Reply | None:
        """Descend from the root and return the authoritative response for a name."""
        if depth > MAX_DEPTH:
            return None
        here, servers = self._deepest(name)
        while True:
            reply = self._first(servers, name, rdtype, here)
            if reply is None or not reply.is_referral:
                return reply
            cut = reply.cut
            if cut is None or cut == here:
                return None
            here, servers = lower(cut), self._referred(reply, cut, depth)
            self._cuts[here] = servers

    def _deepest(self, name: Name) -> tuple[Name, Servers]:
        cuts = [cut for cut in self._cuts if name.is_subdomain(cut)]
        here = max(cuts, key=len, default=dns.name.root)
        return here, self._cuts.get(here, self.hints)

    def _first(self, servers: Servers, name: Name, rdtype: RdataType, here: Name) -> Reply | None:
        for address in addresses_of(servers):
            reply = self.network.ask(address, plain(name, rdtype))
            if reply is None or not (reply.is_noerror or reply.is_nxdomain):
                continue
            below = reply.is_referral and reply.cut != here and reply.cut is not None and reply.cut.is_subdomain(here)
            if reply.aa or below:
                return reply
        return None

    def _referred(self, reply: Reply, cut: Name, depth: int) -> Servers:
        found = {name: glue(reply, name) for name in targets(reply.authority, cut)}
        if any(found.values()):
            return {name: known for name, known in found.items() if known}
        return {name: self.addresses(name, depth + 1) for name in found}

    def parent(self, zone: Name) -> Parent | None:
        """Walk label by label from the root to the parent zone, querying all servers of each zone on the path."""
        here, servers = dns.name.root, self.hints
        for size in range(2, len(zone.labels) + 1):
            name = Name(zone.labels[-size:])
            below = self._step(name, servers)
            if name == zone:
                return Parent(here, servers, below) if below is not None else None
            if below is not None:
                here, servers = name, {each: found or self.addresses(each) for each, found in below.items()}
        return None

    def _step(self, name: Name, servers: Servers) -> Servers | None:
        """Return the names to which some server of a zone delegates a name, with glue; None if there is no cut."""
        found: Servers = {}
        for address in addresses_of(servers):
            reply = self.network.ask(address, plain(name, SOA))
            if reply is None:
                continue
            if reply.is_referral and reply.cut == name:
                full = self.network.ask(address, do(name, NS)) or reply
                for target in targets(reply.authority, name):
                    found.setdefault(target, set()).update(glue(reply, target) | glue(full, target))
            elif reply.usable and records(reply.answer, name, SOA):
                self._add_own(found, address, name)
        return found or None

    def _add_own(self, found: Servers, address: str, name: Name) -> None:
        """Add the data of the child from a server that serves parent and child."""
        reply = self.network.ask(address, plain(name, NS))
        for target in targets(reply.answer, name) if reply else ():
            known = found.setdefault(target, set())
            if target.is_subdomain(name):
                known |= own_addresses(self.network, [address], target)


@dataclass(frozen=True)
class Parent:
    """The parent of the tested zone, its servers, and the names that it delegates to, with glue."""

    zone: Name
    servers: Servers
    delegated: Servers


def at_end(reply: Reply, name: Name, kind: RdataType) -> list[dns.rdata.Rdata]:
    """Return the records of a type at the end of the aliases in a response."""
    for _ in range(MAX_ALIASES):
        alias = records(reply.answer, name, dns.rdatatype.CNAME)
        if not alias:
            break
        name = lower(alias[0].target)  # type: ignore[attr-defined]
    return records(reply.answer, name, kind)


def own_addresses(network: Network, addresses: Iterable[str], name: Name, depth: int = 0) -> set[str]:
    """Query servers for the addresses of a name in their zone, and the servers to which they refer."""
    found = set()
    for address in addresses:
        for kind in ADDRESS_TYPES:
            reply = network.ask(address, plain(name, kind))
            if reply is not None and reply.usable:
                found |= {rdata.address for rdata in at_end(reply, name, kind)}  # type: ignore[attr-defined]
            elif reply is not None and reply.is_referral and reply.cut is not None and depth < MAX_DEPTH:
                below = {address for target in targets(reply.authority, reply.cut) for address in glue(reply, target)}
                found |= own_addresses(network, sorted(below), name, depth + 1)
    return found
