"""CONNECTIVITY01: name servers must respond over UDP.

Specification: Zonemaster CONNECTIVITY01. RFC 1123 section 6.1.3.2, RFC 7766 section 5, RFC 9210.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._aliases import ALIAS_TAGS, alias_findings
from gonemaster_engine.testcases.connectivity._answers import QUERY_TYPES, TransportTags, check_answers
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

ALL_IPV4_DISABLED = Tag("CN01_IPV4_DISABLED", Level.NOTICE, ("servers",))
ALL_IPV6_DISABLED = Tag("CN01_IPV6_DISABLED", Level.NOTICE, ("servers",))
UDP = TransportTags.named("CN01", "UDP")


@case(
    "connectivity01",
    ALL_IPV4_DISABLED,
    ALL_IPV6_DISABLED,
    *UDP.all,
    *ALIAS_TAGS,
    query_types=QUERY_TYPES,
)
async def connectivity01(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers respond to SOA and NS queries over UDP."""
    servers = await zone.all_servers()
    for finding in await alias_findings(zone, await zone.all_names()):
        yield finding
    for tag, is_ipv6 in ((ALL_IPV4_DISABLED, False), (ALL_IPV6_DISABLED, True)):
        of_family = [server for server in servers if server.is_ipv6 is is_ipv6]
        if of_family and not zone.context.uses_family(ipv6=is_ipv6):
            yield tag(servers=of_family)
    for finding in await check_answers(zone, usable(servers), UDP, tcp=False):
        yield finding
