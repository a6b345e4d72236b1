"""Which servers a test case may ask: those of an address family that the profile has switched on."""

from __future__ import annotations

from collections.abc import Iterable

from gonemaster_engine.entries import Level
from gonemaster_engine.findings import Finding, Tag
from gonemaster_engine.net.nameserver import Nameserver
from gonemaster_engine.zone import Zone

_KEYS = ("ns", "address", "query_type")
IPV4_DISABLED = Tag("IPV4_DISABLED", Level.DEBUG2, _KEYS)
IPV6_DISABLED = Tag("IPV6_DISABLED", Level.DEBUG2, _KEYS)
IPV4_ENABLED = Tag("IPV4_ENABLED", Level.DEBUG2, _KEYS)
IPV6_ENABLED = Tag("IPV6_ENABLED", Level.DEBUG2, _KEYS)


def usable(zone: Zone, servers: Iterable[Nameserver], *query_types: str) -> tuple[list[Nameserver], list[Finding]]:
    """Return the servers that may be asked, and a finding for each query type of each of the others."""
    allowed: list[Nameserver] = []
    skipped: list[Finding] = []
    for server in servers:
        if is_enabled(zone, server):
            allowed.append(server)
        else:
            skipped += skipped_queries(server, *query_types)
    return allowed, skipped


def is_enabled(zone: Zone, server: Nameserver) -> bool:
    """Say whether the address family of the server is switched on."""
    return zone.context.uses_family(ipv6=server.is_ipv6)


def skipped_queries(server: Nameserver, *query_types: str) -> list[Finding]:
    """Return the findings that these queries are not sent."""
    return _per_type(IPV6_DISABLED if server.is_ipv6 else IPV4_DISABLED, server, query_types)


def sent_queries(server: Nameserver, *query_types: str) -> list[Finding]:
    """Return the findings that these queries may be sent."""
    return _per_type(IPV6_ENABLED if server.is_ipv6 else IPV4_ENABLED, server, query_types)


def _per_type(tag: Tag, server: Nameserver, query_types: Iterable[str]) -> list[Finding]:
    return [tag(ns=server.name, address=server.address, query_type=query_type) for query_type in query_types]
