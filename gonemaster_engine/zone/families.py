"""Servers of a disabled address family: test cases skip them, and the run reports each skipped query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver

_KEYS = ("ns", "address", "query_type")
IPV4_DISABLED = Tag("IPV4_DISABLED", Level.DEBUG2, _KEYS)
IPV6_DISABLED = Tag("IPV6_DISABLED", Level.DEBUG2, _KEYS)
IPV4_ENABLED = Tag("IPV4_ENABLED", Level.DEBUG2, _KEYS)
IPV6_ENABLED = Tag("IPV6_ENABLED", Level.DEBUG2, _KEYS)

ServerFilter: TypeAlias = Callable[[Iterable[Nameserver]], list[Nameserver]]
"""Return the servers that may be queried, and report each query that a case would have sent to the others."""


def server_filter(
    uses_family: Callable[..., bool], query_types: Iterable[str], report: Callable[[Finding], None]
) -> ServerFilter:
    """Return the filter of a test case with these query types; `uses_family` is that of the run.

    It reports immediately, so that the entries are in order even if a deadline interrupts the case.
    """

    def usable(servers: Iterable[Nameserver]) -> list[Nameserver]:
        allowed = []
        for server in servers:
            if uses_family(ipv6=server.is_ipv6):
                allowed.append(server)
            else:
                for finding in _per_type(IPV6_DISABLED if server.is_ipv6 else IPV4_DISABLED, server, query_types):
                    report(finding)
        return allowed

    return usable


def enabled(server: Nameserver, query_types: Iterable[str]) -> list[Finding]:
    """Return the findings that these queries are allowed."""
    return _per_type(IPV6_ENABLED if server.is_ipv6 else IPV4_ENABLED, server, query_types)


def _per_type(tag: Tag, server: Nameserver, query_types: Iterable[str]) -> list[Finding]:
    return [tag(ns=server.name, address=server.address, query_type=query_type) for query_type in query_types]
