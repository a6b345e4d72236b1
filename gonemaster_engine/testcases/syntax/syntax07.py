"""SYNTAX07: the SOA MNAME must be a valid host name.

Specification: Zonemaster SYNTAX07. RFC 952, RFC 1123 section 2.1, RFC 3696 sections 2 and 5.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.messages import from_dns_name
from gonemaster_engine.testcases._soa import NO_RESPONSE_SOA_QUERY, first_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.syntax._hostname import HostnameTags
from gonemaster_engine.zone.zone import Zone

TAGS = HostnameTags.of("MNAME", level=Level.WARNING)
SYNTAX_OK = Tag("MNAME_SYNTAX_OK", Level.INFO, ("domain",))


@case("syntax07", *TAGS.all, SYNTAX_OK, NO_RESPONSE_SOA_QUERY)
async def syntax07(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the SOA MNAME is a valid host name."""
    soa = await first_soa(zone)
    if soa is None:
        yield NO_RESPONSE_SOA_QUERY()
        return
    mname = from_dns_name(soa.mname)
    for finding in TAGS.faults(mname) or [SYNTAX_OK(domain=mname)]:
        yield finding
