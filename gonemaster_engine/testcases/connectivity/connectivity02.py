"""CONNECTIVITY02: name servers must respond over TCP.

Specification: Zonemaster CONNECTIVITY02. RFC 7766 section 5, RFC 9210.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.findings import Finding
from gonemaster_engine.registry import case
from gonemaster_engine.testcases._transport import IPV4_DISABLED, IPV6_DISABLED, usable
from gonemaster_engine.testcases.connectivity._answers import QUERY_TYPES, TransportTags, check_answers
from gonemaster_engine.zone import Zone

TCP = TransportTags.named("CN02", "TCP")


@case("connectivity02", *TCP.all, IPV4_DISABLED, IPV6_DISABLED)
async def connectivity02(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the name servers respond to SOA and NS queries over TCP."""
    servers, skipped = usable(zone, await zone.all_servers(), *QUERY_TYPES)
    for finding in (*skipped, *await check_answers(zone, servers, TCP, tcp=True)):
        yield finding
