"""NAMESERVER11: a name server must ignore an EDNS option that it does not know.

Specification: Zonemaster NAMESERVER11. RFC 6891 section 6.1.2, RFC 8906 section 8.2.3.
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

UNKNOWN_OPTION = 137  # not assigned by IANA
PROBE = Edns(options=((UNKNOWN_OPTION, b""),))

_KEYS = ("addresses",)
NO_RESPONSE = Tag("N11_NO_RESPONSE", Level.WARNING, _KEYS)
UNEXPECTED_RCODE = Tag("N11_UNEXPECTED_RCODE", Level.WARNING, ("rcode", "addresses"))
NO_EDNS = Tag("N11_NO_EDNS", Level.WARNING, _KEYS)
UNEXPECTED_ANSWER = Tag("N11_UNEXPECTED_ANSWER_SECTION", Level.WARNING, _KEYS)
UNSET_AA = Tag("N11_UNSET_AA", Level.WARNING, _KEYS)
RETURNS_OPTION = Tag("N11_RETURNS_UNKNOWN_OPTION_CODE", Level.WARNING, _KEYS)
OPTION_OK = Tag("N11_UNKNOWN_OPTION_OK", Level.INFO, _KEYS)
_SIMPLE = (NO_RESPONSE, NO_EDNS, UNEXPECTED_ANSWER, UNSET_AA, RETURNS_OPTION, OPTION_OK)


@case("nameserver11", *_SIMPLE, UNEXPECTED_RCODE, query_types=("SOA",))
async def nameserver11(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers ignore an unknown EDNS option."""
    servers = usable(await zone.all_servers())
    observed = await asyncio.gather(*(_observe(zone, server) for server in servers))
    groups = grouped((seen, server) for server, seen in zip(servers, observed, strict=True) if seen)
    for tag in _SIMPLE:
        if groups[tag]:
            yield tag(addresses=addresses(groups[tag]))
    for rcode in sorted(key for key in groups if isinstance(key, str)):
        yield UNEXPECTED_RCODE(rcode=rcode, addresses=addresses(groups[rcode]))


async def _observe(zone: Zone, server: Nameserver) -> Tag | str | None:
    """Return the observation at a server, or None if the server has a problem with EDNS in general."""
    plain = await server.query(zone.name, "SOA", edns=PLAIN_EDNS)
    if plain is None or _judge(plain, zone.name) is not OPTION_OK:
        return None
    response = await server.query(zone.name, "SOA", edns=PROBE)
    return _judge(response, zone.name) if response else NO_RESPONSE


def _judge(response: Response, zone_name: str) -> Tag | str:
    """Return the tag for a response, or its RCODE if it is an error."""
    if response.rcode != "NOERROR":
        return response.rcode
    if response.edns is None:
        return NO_EDNS
    if not response.has("SOA", zone_name):
        return UNEXPECTED_ANSWER
    if not response.aa:
        return UNSET_AA
    return OPTION_OK if response.edns.option(UNKNOWN_OPTION) is None else RETURNS_OPTION
