"""NAMESERVER10: a query with an unsupported EDNS version must be answered with BADVERS.

Specification: Zonemaster NAMESERVER10. RFC 6891 section 6.1.3, RFC 8906 section 8.2.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Edns, Response
from gonemaster_engine.testcases.nameserver._shared import PLAIN_EDNS, addresses, grouped
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

UNKNOWN_VERSION = Edns(version=1)

NO_RESPONSE = Tag("N10_NO_RESPONSE_EDNS1_QUERY", Level.WARNING, ("addresses",))
UNEXPECTED_RCODE = Tag("N10_UNEXPECTED_RCODE", Level.WARNING, ("rcode", "addresses"))
RESPONSE_ERROR = Tag("N10_EDNS_RESPONSE_ERROR", Level.WARNING, ("addresses",))
VERSION_OK = Tag("N10_EDNS_VERSION_OK", Level.INFO, ("addresses",))


@case("nameserver10", NO_RESPONSE, UNEXPECTED_RCODE, RESPONSE_ERROR, VERSION_OK, query_types=("SOA",))
async def nameserver10(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers respond to an unsupported EDNS version with BADVERS."""
    servers = usable(await zone.all_servers())
    observed = await asyncio.gather(*(_observe(zone, server) for server in servers))
    groups = grouped((seen, server) for server, seen in zip(servers, observed, strict=True) if seen)
    for tag in (NO_RESPONSE, RESPONSE_ERROR, VERSION_OK):
        if groups[tag]:
            yield tag(addresses=addresses(groups[tag]))
    for rcode in sorted(key for key in groups if isinstance(key, str)):
        yield UNEXPECTED_RCODE(rcode=rcode, addresses=addresses(groups[rcode]))


async def _observe(zone: Zone, server: Nameserver) -> Tag | str | None:
    """Return the observation at a server, or None if the server has a problem with EDNS in general."""
    plain = await server.query(zone.name, "SOA", edns=PLAIN_EDNS)
    if plain is None or plain.rcode != "NOERROR":
        return None
    return _judge(await server.query(zone.name, "SOA", edns=UNKNOWN_VERSION))


def _judge(response: Response | None) -> Tag | str:
    """Return the tag for a response, or its RCODE if it is not BADVERS."""
    if response is None:
        return NO_RESPONSE
    if response.rcode != "BADVERS":
        return response.rcode
    is_correct = response.edns is not None and response.edns.version == 0 and not response.answer
    return VERSION_OK if is_correct else RESPONSE_ERROR
