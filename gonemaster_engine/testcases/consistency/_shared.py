"""The common part of the cases that compare the SOA records of all servers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.zone.zone import Zone

Value = TypeVar("Value", bound=Any)

NO_RESPONSE = Tag("NO_RESPONSE", Level.DEBUG, ("ns", "address"))
NO_RESPONSE_SOA_QUERY = Tag("NO_RESPONSE_SOA_QUERY", Level.DEBUG, ("ns", "address"))


async def group_by_soa(
    zone: Zone, servers: Iterable[Nameserver], value: Callable[[Any], Value]
) -> tuple[list[Finding], list[tuple[Value, list[Nameserver]]]]:
    """Query the servers for the SOA record and group them by the `value` of its rdata.

    Returns the findings about servers without a usable answer, and the sorted values, each with its servers.
    """
    findings: list[Finding] = []
    found: list[tuple[Value, Nameserver]] = []
    for server, response in await query_all(servers, zone.name, "SOA"):
        await zone.wait_for_turn()
        if response is None:
            findings.append(NO_RESPONSE(ns=server.name, address=server.address))
        elif not (records := response.records("SOA", zone.name)):
            findings.append(NO_RESPONSE_SOA_QUERY(ns=server.name, address=server.address))
        else:
            found.append((value(records[0].rdata), server))
    return findings, grouped(found)


def grouped(found: Iterable[tuple[Value, Nameserver]]) -> list[tuple[Value, list[Nameserver]]]:
    """Return the sorted values, each with the servers that returned it."""
    groups: dict[Value, list[Nameserver]] = defaultdict(list)
    for value, server in found:
        groups[value].append(server)
    return sorted(groups.items(), key=lambda group: group[0])
