"""CONSISTENCY01: all servers should carry the same SOA serial.

Serials are compared with serial number arithmetic (RFC 1982), so a wrap from 2^32 - 1 to 0 is an increase.

Specification: Zonemaster CONSISTENCY01. RFC 1982 section 3.2, RFC 1912 section 2.2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.testcases.consistency._shared import NO_RESPONSE, NO_RESPONSE_SOA_QUERY, group_by_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

MAX_VARIATION = 0  # accepted difference between the oldest and the newest serial
_SERIALS = 1 << 32

SERIAL = Tag("SOA_SERIAL", Level.INFO, ("serial", "servers"))
ONE = Tag("ONE_SOA_SERIAL", Level.INFO, ("serial",))
MULTIPLE = Tag("MULTIPLE_SOA_SERIALS", Level.WARNING, ("count",))
VARIATION = Tag("SOA_SERIAL_VARIATION", Level.NOTICE, ("serial_min", "serial_max", "max_variation", "servers_behind"))


@case(
    "consistency01",
    MULTIPLE,
    NO_RESPONSE,
    NO_RESPONSE_SOA_QUERY,
    ONE,
    SERIAL,
    VARIATION,
    query_types=("SOA",),
)
async def consistency01(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that all name servers have the same SOA serial."""
    servers = usable(await zone.all_servers())
    findings, groups = await group_by_soa(zone, servers, lambda soa: int(soa.serial))
    for finding in findings:
        yield finding
    for serial, servers in groups:
        yield SERIAL(serial=str(serial), servers=servers)
    if len(groups) == 1:
        yield ONE(serial=str(groups[0][0]))
    elif groups:
        yield MULTIPLE(count=len(groups))
        for finding in _variation(groups):
            yield finding


def _variation(groups: list[tuple[int, list[Nameserver]]]) -> list[Finding]:
    ordered = in_serial_order([serial for serial, _ in groups])
    oldest, newest = (ordered[0], ordered[-1]) if ordered else (groups[0][0], groups[-1][0])
    if ordered and (newest - oldest) % _SERIALS <= MAX_VARIATION:
        return []
    # If the serials have no order, no server can be called outdated.
    behind = [server for serial, servers in groups if ordered and serial != newest for server in servers]
    return [
        VARIATION(serial_min=str(oldest), serial_max=str(newest), max_variation=MAX_VARIATION, servers_behind=behind)
    ]


def in_serial_order(serials: Sequence[int]) -> list[int]:
    """Return the serials from oldest to newest, or an empty list if they have no order.

    Source: RFC 1982 section 3.2. They have an order if all are within one half of the number circle.
    """
    half = _SERIALS >> 1
    for oldest in serials:
        if all((serial - oldest) % _SERIALS < half for serial in serials):
            return sorted(serials, key=lambda serial: (serial - oldest) % _SERIALS)
    return []
