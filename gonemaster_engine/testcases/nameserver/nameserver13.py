"""NAMESERVER13: a truncated response to a query with EDNS must contain the OPT record.

Specification: Zonemaster NAMESERVER13. RFC 6891 section 7.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import query_all
from gonemaster_engine.net.wire.messages import PLAIN_PAYLOAD, Edns, Response
from gonemaster_engine.testcases.nameserver._shared import NO_EDNS_SUPPORT, NO_RESPONSE, NS_ERROR, server_args
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

PROBE = Edns(payload=PLAIN_PAYLOAD, do=True)

MISSING_OPT = Tag("MISSING_OPT_IN_TRUNCATED", Level.WARNING, ("ns", "address"))
RESPONSE_OK = Tag("N13_EDNS_RESPONSE_OK", Level.INFO, ("servers",))


@case(
    "nameserver13",
    MISSING_OPT,
    RESPONSE_OK,
    NO_EDNS_SUPPORT,
    NO_RESPONSE,
    NS_ERROR,
    query_types=("DNSKEY",),
)
async def nameserver13(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that truncated responses contain the OPT record."""
    servers = usable(await zone.all_servers())
    correct = []
    for server, response in await query_all(servers, zone.name, "DNSKEY", edns=PROBE, fallback=False):
        await zone.wait_for_turn()
        if response is None:
            yield NO_RESPONSE(**server_args(server), domain=zone.name)
        elif (fault := _fault(response)) is not None:
            yield fault(**server_args(server))
        else:
            correct.append(server)
    if correct:
        yield RESPONSE_OK(servers=correct)


def _fault(response: Response) -> Tag | None:
    edns = response.edns
    if response.rcode == "FORMERR" and edns is None:
        return NO_EDNS_SUPPORT
    if response.tc and edns is None:
        return MISSING_OPT
    is_correct = response.rcode == "NOERROR" and edns is not None and edns.version == 0
    return None if is_correct else NS_ERROR
