"""The tested zone from the perspective of a case: its servers on both sides, queries, and findings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import dns.name
import dns.rdatatype
import dns.rrset
import dns.zonefile
from dns.rdatatype import NS

from tests.reference.messages import Reply
from tests.reference.network import Network, Question
from tests.reference.resolution import Name, Parent, Resolution, Servers, own_addresses, targets

Found: TypeAlias = tuple[str, dict[str, Any]]
"""Message tag and arguments."""

Findings: TypeAlias = Iterator[Found]


@dataclass(frozen=True, order=True)
class Server:
    """A server: name and address."""

    ns: str
    address: str


@dataclass(frozen=True)
class Options:
    """The options of a run; `supplied` and `ds` make it an undelegated test."""

    ipv4: bool = True
    ipv6: bool = True
    timeout_s: float = 0.5
    badkeys: str = ""
    supplied: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ds: bool = False
    spf_limit: int = 10
    denial_label: str = ""


@dataclass
class Subject:
    """A zone and the known facts about it; each fact is queried once."""

    zone: Name
    resolution: Resolution
    hints_text: str
    options: Options

    @classmethod
    def open(cls, zone: str, hints_text: str, port: int, options: Options) -> Subject:
        network = Network(port, options.timeout_s, ipv4=options.ipv4, ipv6=options.ipv6)
        hints: Servers = {}
        for rrset in dns.zonefile.read_rrsets(hints_text, rdclass=None):
            if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                hints.setdefault(rrset.name, set()).update(rdata.address for rdata in rrset)
        name = dns.name.from_text(zone).canonicalize()
        return cls(name, Resolution(network, hints), hints_text, options)

    @property
    def network(self) -> Network:
        return self.resolution.network

    @property
    def text(self) -> str:
        return text_of(self.zone)

    @property
    def is_undelegated(self) -> bool:
        return bool(self.options.supplied)

    def ask(self, address: str, question: Question) -> Reply | None:
        return self.network.ask(address, question)

    @cached_property
    def parent(self) -> Parent | None:
        if self.zone == dns.name.root or self.is_undelegated:
            return None
        found = self.resolution.parent(self.zone)
        # Servers that were not queried on the path here are not known servers of the parent zone.
        if found is None:
            return None
        asked = {name: {one for one in known if self.network.allows(one)} for name, known in found.servers.items()}
        return dataclasses.replace(found, servers=asked)

    @cached_property
    def delegated(self) -> Servers:
        """Return names and addresses as delegated: in-domain ones from glue, others by recursion."""
        if self.is_undelegated:
            addresses = {dns.name.from_text(name): set(found) for name, found in self.options.supplied.items()}
        elif self.zone == dns.name.root:
            addresses = self.resolution.hints
        else:
            addresses = self.parent.delegated if self.parent else {}
        return {name: self._outside(name, found) for name, found in addresses.items()}

    def _outside(self, name: Name, found: set[str]) -> set[str]:
        if name.is_subdomain(self.zone) or (self.is_undelegated and found):
            return found
        return self.resolution.addresses(name)

    @cached_property
    def apex(self) -> Servers:
        """Return names and addresses of the authoritative NS RRsets of the delegated servers."""
        addresses = sorted({address for found in self.delegated.values() for address in found})
        names: set[Name] = set()
        for address in addresses:
            reply = self.ask(address, Question(self.zone, NS))
            if reply is not None and reply.usable:
                names |= targets(reply.answer, self.zone)
        return {
            name: own_addresses(self.network, addresses, name)
            if name.is_subdomain(self.zone)
            else self.resolution.addresses(name)
            for name in names
        }

    @cached_property
    def both(self) -> list[tuple[str, list[Server]]]:
        """Return the servers of parent side and child side, by address."""
        return by_address(self.delegated, self.apex)

    def open_servers(
        self, servers: list[tuple[str, list[Server]]], *types: str
    ) -> tuple[list[tuple[str, list[Server]]], list[Found]]:
        """Separate the servers that may be queried from the tags for the others."""
        allowed = [one for one in servers if self.network.allows(one[0])]
        tags: list[Found] = []
        for address, names in servers:
            if not self.network.allows(address):
                tag = "IPV6_DISABLED" if ":" in address else "IPV4_DISABLED"
                tags += [
                    (tag, {"ns": server.ns, "address": address, "query_type": kind})
                    for server in names
                    for kind in types
                ]
        return allowed, tags


def text_of(name: Name) -> str:
    return name.to_text(omit_final_dot=True) if name != dns.name.root else "."


def by_address(*sets: Servers) -> list[tuple[str, list[Server]]]:
    """Return servers by address, with all names of each."""
    found: dict[str, set[Server]] = {}
    for servers in sets:
        for name, addresses in servers.items():
            for address in addresses:
                found.setdefault(address, set()).add(Server(text_of(name), address))
    return [(address, sorted(names)) for address, names in sorted(found.items())]


def listed(servers: Iterable[Server]) -> list[dict[str, str]]:
    """Return a list of servers in the form of an argument."""
    return [{"ns": server.ns, "address": server.address} for server in sorted(set(servers))]


def grouped(pairs: Iterable[tuple[Any, Server]]) -> dict[Any, list[Server]]:
    """Return the servers of each key."""
    found: dict[Any, list[Server]] = {}
    for key, server in pairs:
        found.setdefault(key, []).append(server)
    return found


class Notes:
    """Merged findings: one for equal tag and arguments, with all servers."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, tuple[tuple[str, Any], ...]], set[Server]] = {}

    def add(self, tag: str, servers: Iterable[Server], **arguments: Any) -> None:
        self._found.setdefault((tag, tuple(arguments.items())), set()).update(servers)

    def __contains__(self, tag: str) -> bool:
        return any(known == tag for known, _ in self._found)

    def tags(self) -> set[str]:
        return {tag for tag, _ in self._found}

    def __iter__(self) -> Findings:
        for (tag, arguments), servers in self._found.items():
            yield tag, {**dict(arguments), "servers": listed(servers)}

    def with_addresses(self) -> Findings:
        """Return the findings with `addresses` in place of `servers`."""
        for (tag, arguments), servers in self._found.items():
            yield tag, {**dict(arguments), "addresses": sorted({server.address for server in servers})}
