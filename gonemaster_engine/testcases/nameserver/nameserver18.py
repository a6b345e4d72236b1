"""NAMESERVER18: the Extended DNS Errors (EDE) that the name servers report.

RFC 8914, RFC 8906 section 3.1.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.nameserver._extended_errors import ExtendedError, extended_errors
from gonemaster_engine.testcases.nameserver._shared import PLAIN_EDNS, grouped
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_KEYS = ("info_code", "info_name", "extra_text", "servers")
SERVER_ERROR = Tag("N18_SERVER_ERROR_REPORTED", Level.WARNING, _KEYS)
FILTERED = Tag("N18_FILTERED_RESPONSE", Level.WARNING, _KEYS)
RESOLVER_BEHAVIOR = Tag("N18_RESOLVER_BEHAVIOR_REPORTED", Level.WARNING, _KEYS)
REPORTED = Tag("N18_EXTENDED_ERROR_REPORTED", Level.NOTICE, _KEYS)
NO_RESPONSE = Tag("N18_NO_RESPONSE", Level.WARNING, ("servers",))
NO_ERROR = Tag("N18_NO_EXTENDED_ERROR", Level.INFO, ("servers",))

CLASSES = {
    SERVER_ERROR: frozenset({18, 20, 21}),
    FILTERED: frozenset({4, 15, 16, 17}),
    RESOLVER_BEHAVIOR: frozenset({*range(1, 4), *range(5, 14), 19, 22, 23, 25, 27, 29, 33}),
}


@case(
    "nameserver18",
    SERVER_ERROR,
    FILTERED,
    RESOLVER_BEHAVIOR,
    REPORTED,
    NO_RESPONSE,
    NO_ERROR,
    query_types=("SOA",),
)
async def nameserver18(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Look for Extended DNS Errors (EDE) in the responses of the name servers."""
    servers = usable(await zone.all_servers())
    answers = [(server, await _response(zone, server, response)) for server, response in await _query(zone, servers)]
    groups = grouped((seen, server) for server, response in answers for seen in _observe(response))
    errors = [key for key in groups if isinstance(key, ExtendedError)]
    for error in sorted(errors):
        yield _tag_of(error.code)(
            info_code=error.code, info_name=error.name, extra_text=error.text, servers=groups[error]
        )
    for tag in (NO_RESPONSE, NO_ERROR):
        if groups[tag]:
            yield tag(servers=groups[tag])


async def _query(zone: Zone, servers: list[Nameserver]) -> list[tuple[Nameserver, Response | None]]:
    # Extended errors are options of the OPT record, which a response has only if the query had one (RFC 6891 section
    # 6.1.1).
    return await query_all(servers, zone.name, "SOA", edns=PLAIN_EDNS)


async def _response(zone: Zone, server: Nameserver, response: Response | None) -> Response | None:
    """Return the response or, if there is none, the response to a query without EDNS."""
    return response or await server.query(zone.name, "SOA")


def _observe(response: Response | None) -> Iterator[ExtendedError | Tag]:
    if response is None:
        yield NO_RESPONSE
    elif errors := extended_errors(response):
        yield from errors
    elif response.rcode == "NOERROR":
        yield NO_ERROR


def _tag_of(code: int) -> Tag:
    return next((tag for tag, codes in CLASSES.items() if code in codes), REPORTED)
