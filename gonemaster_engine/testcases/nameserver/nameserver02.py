"""NAMESERVER02: name servers should support EDNS version 0.

Specification: Zonemaster NAMESERVER02. RFC 6891, RFC 8906.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.nameserver._shared import (
    NO_EDNS_SUPPORT,
    NO_RESPONSE,
    NS_ERROR,
    PLAIN_EDNS,
    server_args,
)
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_KEYS = ("ns", "address", "domain")
BREAKS = Tag("BREAKS_ON_EDNS", Level.ERROR, _KEYS)
WITHOUT_EDNS = Tag("EDNS_RESPONSE_WITHOUT_EDNS", Level.ERROR, _KEYS)
VERSION_ERROR = Tag("EDNS_VERSION_ERROR", Level.ERROR, _KEYS)
SUPPORT = Tag("EDNS0_SUPPORT", Level.INFO, ("servers",))


@case(
    "nameserver02",
    BREAKS,
    WITHOUT_EDNS,
    VERSION_ERROR,
    SUPPORT,
    NO_EDNS_SUPPORT,
    NO_RESPONSE,
    NS_ERROR,
    query_types=("SOA",),
)
async def nameserver02(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers support EDNS version 0."""
    servers = usable(await zone.all_servers())
    supporting = []
    faulty = False
    for server, response in await query_all(servers, zone.name, "SOA", edns=PLAIN_EDNS):
        await zone.wait_for_turn()
        tag = _judge(response) if response else await _judge_silence(zone, server)
        if tag is None:
            supporting.append(server)
            continue
        faulty |= tag is not NO_RESPONSE
        yield tag(**server_args(server), domain=zone.name) if "domain" in tag.keys else tag(**server_args(server))
    if supporting and not faulty:
        yield SUPPORT(servers=supporting)


def _judge(response: Response) -> Tag | None:
    """Return the tag for a response to a query with EDNS, or None if it is correct."""
    if response.rcode == "FORMERR" and response.edns is None:
        return NO_EDNS_SUPPORT
    if response.rcode != "NOERROR":
        return NS_ERROR
    if response.edns is None:
        return WITHOUT_EDNS
    if response.edns.version != 0:
        return VERSION_ERROR
    return None if response.has("SOA") else NS_ERROR


async def _judge_silence(zone: Zone, server: Nameserver) -> Tag:
    return BREAKS if await server.query(zone.name, "SOA") else NO_RESPONSE
