"""ADDRESS03: the PTR records of an address should contain the name of the name server.

Specification: Zonemaster ADDRESS03. RFC 1035 section 3.5, RFC 1912 section 2.1, RFC 3596 section 2.5.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._aliases import ALIAS_TAGS, alias_findings
from gonemaster_engine.testcases.address._shared import NO_RESPONSE, WITHOUT_REVERSE, look_up
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

MISMATCH = Tag("NAMESERVER_IP_PTR_MISMATCH", Level.NOTICE, ("ns", "address", "ptr_names"))
MATCH = Tag("NAMESERVER_IP_PTR_MATCH", Level.INFO)


@case("address03", WITHOUT_REVERSE, MISMATCH, MATCH, NO_RESPONSE, *ALIAS_TAGS)
async def address03(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the PTR records of each address contain the name of the name server."""
    servers = await zone.ns()
    for finding in await alias_findings(zone, await zone.ns_names()):
        yield finding
    reverses = await look_up(zone, servers)
    for reverse in reverses:
        server = reverse.server
        if not reverse.answered:
            yield NO_RESPONSE(domain=reverse.domain)
        elif not reverse.names:
            yield WITHOUT_REVERSE(ns=server.name, address=server.address)
        elif server.name not in reverse.names:
            yield MISMATCH(ns=server.name, address=server.address, ptr_names=reverse.names)
    if reverses and all(reverse.server.name in reverse.names for reverse in reverses):
        yield MATCH()
