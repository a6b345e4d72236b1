"""The common part of the DNSSEC cases: selection of servers and answers, and findings merged over servers."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, TypeGuard

from gonemaster_engine.dnssec.records import Ds, make_ds
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.zone.zone import Zone

ADDRESSES = ("addresses",)
KEYTAG_ADDRESSES = ("keytag", "addresses")
ALGORITHM_ADDRESSES = ("keytag", "algo_num", "algo_mnemo", "addresses")
SERVERS = ("servers",)


class ServerTally:
    """Collects findings over servers: one per tag and arguments, with all servers concerned."""

    def __init__(self) -> None:
        self._found: dict[str, dict[tuple[Any, ...], tuple[dict[str, Any], set[Nameserver | str]]]] = {}

    def add(self, tag: Tag, server: Nameserver | str, **args: Any) -> None:
        """Add a server to a finding."""
        groups = self._found.setdefault(tag.name, {})
        group = groups.get(tuple(args.values()))
        if group is None:
            group = groups[tuple(args.values())] = (args, set())
        group[1].add(server)

    def servers(self, *tags: Tag) -> set[Nameserver | str]:
        """Return the servers of the findings with these tags."""
        return {server for tag in tags for _, servers in self._found.get(tag.name, {}).values() for server in servers}

    def has(self, *tags: Tag) -> bool:
        """Return whether there is a finding with one of these tags."""
        return any(tag.name in self._found for tag in tags)

    def findings(self, *tags: Tag) -> list[Finding]:
        """Return the findings in the given order of tags, then by arguments."""
        return [
            tag(**args, **_listed(tag, servers))
            for tag in tags
            for _, (args, servers) in sorted(self._found.get(tag.name, {}).items(), key=lambda group: group[0])
        ]


def _listed(tag: Tag, servers: Iterable[Nameserver | str]) -> dict[str, Any]:
    if "servers" in tag.keys:
        return {"servers": list(servers)}
    if "addresses" in tag.keys:
        return {"addresses": addresses(servers)}
    return {}


def addresses(servers: Iterable[Nameserver | str]) -> list[str]:
    """Return the addresses of servers, sorted, IPv4 first, without duplicates."""
    found = {server if isinstance(server, str) else server.address for server in servers}
    return sorted(found, key=lambda address: (":" in address, address))


async def child_servers(zone: Zone) -> list[Nameserver]:
    """Return the servers of the delegation and of the apex NS set."""
    return await zone.all_servers()


async def parent_servers(zone: Zone) -> list[Nameserver]:
    """Return the servers of the parent zone; none for the root and for supplied delegation or DS data."""
    if zone.is_root or zone.undelegated or zone.supplied_ds:
        return []
    return sorted(await zone.parent_servers() or ())


def supplied_ds(zone: Zone) -> list[Ds]:
    """Return the DS records that the user supplied."""
    return [
        make_ds(tag=ds.keytag, algorithm=ds.algorithm, digest_type=ds.digtype, digest=bytes.fromhex(ds.digest))
        for ds in zone.supplied_ds
    ]


async def query_each_type(
    servers: Iterable[Nameserver], qname: str, *qtypes: str
) -> list[tuple[Nameserver, list[Response | None]]]:
    """Send several DO queries to each server concurrently; the results are in the order of servers and types."""
    pending: list[tuple[Nameserver, Sequence[Awaitable[Response | None]]]] = []
    for server in servers:
        await server.turns.wait()
        pending.append((server, [server.query(qname, qtype, dnssec=True) for qtype in qtypes]))
    return [(server, [await answer for answer in answers]) for server, answers in pending]


def is_usable(response: Response | None) -> TypeGuard[Response]:
    """Return whether the response is an authoritative answer without an error."""
    return response is not None and response.aa and response.rcode_number == 0


def is_dnssec_answer(response: Response | None) -> TypeGuard[Response]:
    """Return whether the response is usable and its server supports DNSSEC (EDNS with DO)."""
    return is_usable(response) and response.edns is not None and response.edns.do
