"""NAMESERVER12: unassigned EDNS flags must be zero in responses.

Specification: Zonemaster NAMESERVER12. RFC 6891 section 6.1.4, RFC 8906 section 8.2.4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import query_all
from gonemaster_engine.net.wire.messages import Edns, Response
from gonemaster_engine.testcases.nameserver._shared import NO_EDNS_SUPPORT, NO_RESPONSE, NS_ERROR, server_args
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

PROBE = Edns(z=3)

CLEAR = Tag("Z_FLAGS_CLEAR", Level.INFO, ("servers",))
NOT_CLEAR = Tag("Z_FLAGS_NOTCLEAR", Level.WARNING, ("ns", "address"))


@case(
    "nameserver12",
    CLEAR,
    NOT_CLEAR,
    NO_EDNS_SUPPORT,
    NO_RESPONSE,
    NS_ERROR,
    query_types=("SOA",),
)
async def nameserver12(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers clear unassigned EDNS flags in responses."""
    servers = usable(await zone.all_servers())
    correct = []
    for server, response in await query_all(servers, zone.name, "SOA", edns=PROBE):
        await zone.wait_for_turn()
        if response is None:
            yield NO_RESPONSE(**server_args(server), domain=zone.name)
        elif (fault := _fault(response)) is not None:
            yield fault(**server_args(server))
        else:
            correct.append(server)
    if correct:
        yield CLEAR(servers=correct)


def _fault(response: Response) -> Tag | None:
    if response.rcode == "FORMERR":
        return NO_EDNS_SUPPORT
    edns = response.edns
    if edns is not None and edns.z:
        return NOT_CLEAR
    is_correct = response.rcode == "NOERROR" and edns is not None and edns.version == 0 and response.has("SOA")
    return None if is_correct else NS_ERROR
