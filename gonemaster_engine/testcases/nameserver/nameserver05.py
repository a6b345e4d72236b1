"""NAMESERVER05: AAAA queries must be handled like A queries.

Specification: Zonemaster NAMESERVER05. RFC 3596, RFC 4074.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rrtypes import AAAA
from gonemaster_engine.testcases.nameserver._shared import NO_RESPONSE, server_args
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

AAAA_OCTETS = 16

_SERVER = ("ns", "address")
BAD_RDATA = Tag("AAAA_BAD_RDATA", Level.ERROR, (*_SERVER, "length"))
DROPPED = Tag("AAAA_QUERY_DROPPED", Level.ERROR, _SERVER)
AAAA_RCODE = Tag("AAAA_UNEXPECTED_RCODE", Level.ERROR, (*_SERVER, "rcode"))
WELL_PROCESSED = Tag("AAAA_WELL_PROCESSED", Level.INFO, ("servers",))
A_RCODE = Tag("A_UNEXPECTED_RCODE", Level.WARNING, (*_SERVER, "rcode"))


@case(
    "nameserver05",
    BAD_RDATA,
    DROPPED,
    AAAA_RCODE,
    WELL_PROCESSED,
    A_RCODE,
    NO_RESPONSE,
    query_types=("A",),
)
async def nameserver05(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers respond to AAAA queries correctly."""
    servers = usable(await zone.all_servers())
    pending = [(server, server.query(zone.name, "A"), server.query(zone.name, "AAAA")) for server in servers]
    correct: list[Nameserver] = []
    faulty = False
    for server, about_a, about_aaaa in pending:
        response = await about_a
        if response is None:
            yield NO_RESPONSE(**server_args(server), domain=zone.name)
        elif response.rcode != "NOERROR":
            yield A_RCODE(**server_args(server), rcode=response.rcode)
        elif problems := list(_judge(server, await about_aaaa)):
            faulty = True
            for finding in problems:
                yield finding
        else:
            correct.append(server)
    if correct and not faulty:
        yield WELL_PROCESSED(servers=correct)


def _judge(server: Nameserver, response: Response | None) -> Iterator[Finding]:
    if response is None:
        yield DROPPED(**server_args(server))
    elif response.rcode != "NOERROR":
        yield AAAA_RCODE(**server_args(server), rcode=response.rcode)
    else:
        lengths = {len(record.octets) for record in response.answer if record.type == AAAA}
        for length in sorted(lengths - {AAAA_OCTETS}):
            yield BAD_RDATA(**server_args(server), length=length)
