"""NAMESERVER01: an authoritative name server should not be an open recursive resolver.

Specification: Zonemaster NAMESERVER01. RFC 2870 section 2.5, RFC 5358.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.nameserver._shared import NO_RESPONSE, grouped, server_args
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

# These names do not exist.
PROBES = ("xn--nameservertest.iis.se", "xn--nameservertest.icann.org", "xn--nameservertest.ripe.net")

RECURSOR = Tag("IS_A_RECURSOR", Level.ERROR, ("servers",))
NO_RECURSOR = Tag("NO_RECURSOR", Level.INFO, ("servers",))


@case("nameserver01", RECURSOR, NO_RECURSOR, NO_RESPONSE, query_types=("A",))
async def nameserver01(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers are not open recursive resolvers."""
    servers = usable(await zone.all_servers())
    pending = [(server, [server.query(probe, "A", rd=True) for probe in PROBES]) for server in servers]
    found = []
    for server, queries in pending:
        responses = [await query for query in queries]
        for probe, response in zip(PROBES, responses, strict=True):
            if response is None:
                yield NO_RESPONSE(**server_args(server), domain=probe)
        answered = [response for response in responses if response]
        if is_recursor(answered):
            found.append((RECURSOR, server))
        elif len(answered) == len(PROBES):
            found.append((NO_RECURSOR, server))
    groups = grouped(found)
    for tag in (RECURSOR, NO_RECURSOR):
        if groups[tag]:
            yield tag(servers=groups[tag])


def is_recursor(responses: Sequence[Response]) -> bool:
    """Return whether these responses, to names that do not exist, come from a recursive resolver.

    A resolver gives an answer and offers recursion, or it gives only NXDOMAIN responses, some of which offer recursion
    and some of which are not authoritative. A server that denies all foreign names authoritatively is not a resolver.
    """
    if any(response.ra and response.answer for response in responses):
        return True
    return (
        any(response.ra for response in responses)
        and all(response.rcode == "NXDOMAIN" for response in responses)
        and not all(response.aa for response in responses)
    )
