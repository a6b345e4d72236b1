"""NAMESERVER09: the letter case of a name must not matter.

Specification: Zonemaster NAMESERVER09. RFC 4343 section 3.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Record, Response
from gonemaster_engine.testcases.nameserver._shared import case_variants, probe_name, server_args
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

QUERY_TYPE = "SOA"

_QUERIES = ("ns", "address", "query_type", "query1", "query2")
RESULTS_DIFFER = Tag("CASE_QUERIES_RESULTS_DIFFER", Level.ERROR, ("query_type", "domain"))
RESULTS_OK = Tag("CASE_QUERIES_RESULTS_OK", Level.INFO, ("query_type", "domain"))
DIFFERENT_ANSWER = Tag("CASE_QUERY_DIFFERENT_ANSWER", Level.WARNING, _QUERIES)
DIFFERENT_RCODE = Tag("CASE_QUERY_DIFFERENT_RC", Level.WARNING, (*_QUERIES, "rcode1", "rcode2"))
NO_ANSWER = Tag("CASE_QUERY_NO_ANSWER", Level.WARNING, ("ns", "address", "query_type", "domain"))
SAME_ANSWER = Tag("CASE_QUERY_SAME_ANSWER", Level.DEBUG, _QUERIES)
SAME_RCODE = Tag("CASE_QUERY_SAME_RC", Level.DEBUG, (*_QUERIES, "rcode"))
_RECORDS_AT_ONCE = 200
_RECORD_US = 40  # microseconds to convert a record to canonical form


@case(
    "nameserver09",
    RESULTS_DIFFER,
    RESULTS_OK,
    DIFFERENT_ANSWER,
    DIFFERENT_RCODE,
    NO_ANSWER,
    SAME_ANSWER,
    SAME_RCODE,
    query_types=(QUERY_TYPE,),
)
async def nameserver09(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that responses do not depend on the letter case of the query name."""
    servers = usable(await zone.all_servers())
    name = probe_name(zone)
    spelled = case_variants(name, 2)
    octets = [names.to_wire(spelling) for spelling in spelled]
    pending = [
        (server, [server.query(name, QUERY_TYPE, qname_octets=spelling) for spelling in octets]) for server in servers
    ]
    received = set()
    for server, queries in pending:
        first, second = [await query for query in queries]
        if (result := await _compare(zone, server, spelled, first, second)) is not None:
            received.add(result.tag)
            yield result
    if received:
        tag = RESULTS_OK if received <= {SAME_ANSWER, SAME_RCODE} else RESULTS_DIFFER
        yield tag(query_type=QUERY_TYPE, domain=name)


async def _compare(
    zone: Zone, server: Nameserver, spelled: list[str], first: Response | None, second: Response | None
) -> Finding | None:
    """Return the finding about the two responses of a server, or None if there is no response at all."""
    if first is None or second is None:
        if first is second:
            return None
        unanswered = spelled[0 if first is None else 1]
        return NO_ANSWER(**server_args(server), query_type=QUERY_TYPE, domain=unanswered)
    queries = {"query_type": QUERY_TYPE, "query1": spelled[0], "query2": spelled[1]}
    if first.answer or second.answer:
        tag = SAME_ANSWER if await _contents(zone, first) == await _contents(zone, second) else DIFFERENT_ANSWER
        return tag(**server_args(server), **queries)
    if first.rcode == second.rcode:
        return SAME_RCODE(**server_args(server), **queries, rcode=first.rcode)
    return DIFFERENT_RCODE(**server_args(server), **queries, rcode1=first.rcode, rcode2=second.rcode)


async def _contents(zone: Zone, response: Response) -> list[tuple[str, int, int, bytes]]:
    """Return the records of the answer, sorted, with names in lower case and without TTL."""
    found = []
    for start in range(0, len(response.answer), _RECORDS_AT_ONCE):
        group = response.answer[start : start + _RECORDS_AT_ONCE]
        await zone.wait_for_turn(_RECORD_US * len(group))
        found += [(record.owner, record.rdclass, record.type, _content(record)) for record in group]
    return sorted(found)


def _content(record: Record) -> bytes:
    return (record.data if record.is_well_formed else record.octets).lower()
