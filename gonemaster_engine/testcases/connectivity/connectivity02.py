"""CONNECTIVITY02: name servers must respond over TCP.

Specification: Zonemaster CONNECTIVITY02. RFC 7766 section 5, RFC 9210.
"""

from __future__ import annotations

from gonemaster_engine.findings.tags import Finding
from gonemaster_engine.testcases.connectivity._answers import QUERY_TYPES, TransportTags, check_answers
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

TCP = TransportTags.named("CN02", "TCP")


@case("connectivity02", *TCP.all, query_types=QUERY_TYPES)
async def connectivity02(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check that the name servers respond to SOA and NS queries over TCP."""
    return await check_answers(zone, usable(await zone.all_servers()), TCP, tcp=True)
