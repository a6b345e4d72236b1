"""What a run has found so far: the zones from the root down with their name servers, and the test cases that ended.

A viewer of a running test sees it. The size is limited, because a hostile zone decides how much there is to find.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gonemaster_engine import names
from gonemaster_engine.context import RunContext
from gonemaster_engine.entries import Level
from gonemaster_engine.net.figures import median
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.zone.zone import Zone

MAX_ZONES = 6
MAX_SERVERS = 13  # of one zone, as many as the root has
MAX_ADDRESSES = 6  # of one server
_EVERY_S = 0.5

Found = dict[str, Any]


async def report_found(describe: Callable[[], Found], on_found: Callable[[Found], None]) -> None:
    """Report twice a second what a run has found so far, until the run ends."""
    while True:
        await asyncio.sleep(_EVERY_S)
        on_found(describe())


def found_so_far(context: RunContext, zone: Zone, cases: Mapping[str, Sequence[bool]]) -> Found:
    """Return what a run has found; `cases` tells by module which test cases have ended.

    An address has a state (`ok`, `silent`, `asking` or `none`) and the median of its response times in milliseconds.
    `more` are the servers of a zone that are left out.
    """
    on_the_way = zone.servers_on_the_way()
    if not zone.undelegated:
        on_the_way.setdefault(names.ROOT, [])
    zones = [_zone(name, _by_name(servers), context) for name, servers in _nearest(on_the_way)]
    if own := zone.found_servers():
        zones.append(_zone(zone.name, own, context))
    levels = Counter(entry.level for entry in context.log.entries)
    return {
        "zones": zones,
        "modules": [[module, sum(ended), len(ended)] for module, ended in cases.items()],
        "queries": context.queries,
        "levels": {level.name: levels[level] for level in sorted(levels, reverse=True) if level >= Level.NOTICE},
    }


def _nearest(on_the_way: Mapping[str, Sequence[Nameserver]]) -> list[tuple[str, Sequence[Nameserver]]]:
    """Return the root and the zones nearest to the tested zone, from the root down."""
    ordered = sorted(on_the_way.items(), key=lambda item: len(names.labels(item[0])))
    return ordered[:1] + ordered[1:][-(MAX_ZONES - 2) :]


def _by_name(servers: Iterable[Nameserver]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for server in servers:
        found.setdefault(server.name, []).append(server.address)
    return found


def _zone(name: str, servers: Mapping[str, Sequence[str]], context: RunContext) -> Found:
    known = len(context.resources.root_hints) if name == names.ROOT else len(servers)
    shown = list(servers.items())[:MAX_SERVERS]
    return {
        "zone": name,
        "servers": [
            {"ns": ns, "addresses": [_address(each, context) for each in addresses[:MAX_ADDRESSES]]}
            for ns, addresses in shown
        ],
        "more": max(0, known - len(shown)),
    }


def _address(address: str, context: RunContext) -> list[Any]:
    server = context.servers.get(address)  # not `server()`, which would create it
    if server is None:
        return [address, "none", None]
    times = server.health.rtts_ms
    return [address, server.state, round(median(times), 3) if times else None]
