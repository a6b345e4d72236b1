"""NAMESERVER08: responses should preserve the letter case of the query name.

Specification: Zonemaster NAMESERVER08. RFC 1034 section 3.1, RFC 4343.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.nameserver._shared import case_variants, grouped, probe_name
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

INSENSITIVE = Tag("QNAME_CASE_INSENSITIVE", Level.WARNING, ("servers", "domain"))
SENSITIVE = Tag("QNAME_CASE_SENSITIVE", Level.INFO, ("servers", "domain"))


@case("nameserver08", INSENSITIVE, SENSITIVE, query_types=("SOA",))
async def nameserver08(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that responses preserve the letter case of the query name."""
    servers = usable(await zone.all_servers())
    name = probe_name(zone)
    spelled = case_variants(name, 1)[0]
    octets = names.to_wire(spelled)
    pending = [(server, server.query(name, "SOA", qname_octets=octets)) for server in servers]
    found = []
    for server, answer in pending:
        response = await answer
        if response and response.question_name_octets is not None:
            found.append((SENSITIVE if response.question_name_octets == octets else INSENSITIVE, server))
    groups = grouped(found)
    for tag in (INSENSITIVE, SENSITIVE):
        if groups[tag]:
            yield tag(servers=groups[tag], domain=spelled)
