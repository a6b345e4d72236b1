"""ADDRESS02: each address of a name server should have a PTR record.

Specification: Zonemaster ADDRESS02. RFC 1035 section 3.5, RFC 1912 section 2.1, RFC 3596 section 2.5.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._aliases import ALIAS_TAGS, alias_findings
from gonemaster_engine.testcases.address._shared import NO_RESPONSE, WITHOUT_REVERSE, look_up
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

ALL_WITH_REVERSE = Tag("NAMESERVERS_IP_WITH_REVERSE", Level.INFO)


@case("address02", WITHOUT_REVERSE, ALL_WITH_REVERSE, NO_RESPONSE, *ALIAS_TAGS)
async def address02(zone: Zone) -> AsyncIterator[Finding]:
    """Check that each address of a name server has a PTR record."""
    servers = await zone.all_servers()
    for finding in await alias_findings(zone, await zone.all_names()):
        yield finding
    reverses = await look_up(zone, servers)
    for reverse in reverses:
        if not reverse.answered:
            yield NO_RESPONSE(domain=reverse.domain)
        elif not reverse.names:
            yield WITHOUT_REVERSE(ns=reverse.server.name, address=reverse.server.address)
    if reverses and all(reverse.names for reverse in reverses):
        yield ALL_WITH_REVERSE()
