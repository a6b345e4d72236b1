"""NAMESERVER08: responses should preserve the letter case of the query name.

Specification: Zonemaster NAMESERVER08. RFC 1034 section 3.1, RFC 4343.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings import Finding, Tag
from gonemaster_engine.registry import case
from gonemaster_engine.testcases._transport import IPV4_DISABLED, IPV6_DISABLED, usable
from gonemaster_engine.testcases.nameserver._shared import grouped, probe_name, spellings
from gonemaster_engine.zone import Zone

INSENSITIVE = Tag("QNAME_CASE_INSENSITIVE", Level.WARNING, ("servers", "domain"))
SENSITIVE = Tag("QNAME_CASE_SENSITIVE", Level.INFO, ("servers", "domain"))


@case("nameserver08", INSENSITIVE, SENSITIVE, IPV4_DISABLED, IPV6_DISABLED)
async def nameserver08(zone: Zone) -> AsyncIterator[Finding]:
    """Check that responses preserve the letter case of the query name."""
    servers, skipped = usable(zone, await zone.all_servers(), "SOA")
    for finding in skipped:
        yield finding
    name = probe_name(zone)
    spelled = spellings(name, 1)[0]
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
