"""NAMESERVER07: name servers should not refer to the root.

Specification: Zonemaster NAMESERVER07.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import query_all
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NO_UPWARD = Tag("NO_UPWARD_REFERRAL", Level.INFO, ("servers",))
UPWARD = Tag("UPWARD_REFERRAL", Level.WARNING, ("servers",))
IRRELEVANT = Tag("UPWARD_REFERRAL_IRRELEVANT", Level.INFO)


@case("nameserver07", NO_UPWARD, UPWARD, IRRELEVANT, query_types=("NS",))
async def nameserver07(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers do not refer to the root zone."""
    if zone.is_root:
        yield IRRELEVANT()
        return
    servers = usable(await zone.all_servers())
    answers = await query_all(servers, names.ROOT, "NS")
    referring = [server for server, response in answers if response and response.has("NS", section="authority")]
    if referring:
        yield UPWARD(servers=referring)
    elif answered := [server for server, response in answers if response]:
        yield NO_UPWARD(servers=answered)
