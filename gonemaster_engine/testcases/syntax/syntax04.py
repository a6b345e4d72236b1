"""SYNTAX04: names of name servers must be valid host names.

Specification: Zonemaster SYNTAX04. RFC 952, RFC 1123 section 2.1, RFC 3696 sections 2 and 5.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.syntax._hostname import HostnameTags
from gonemaster_engine.zone.zone import Zone

TAGS = HostnameTags.of("NAMESERVER", level=Level.ERROR)
SYNTAX_OK = Tag("NAMESERVER_SYNTAX_OK", Level.INFO, ("servers",))


@case("syntax04", *TAGS.all, SYNTAX_OK)
async def syntax04(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the names of the name servers are valid host names."""
    valid = []
    for name in await zone.all_names():
        faults = TAGS.faults(name)
        for fault in faults:
            yield fault
        if not faults:
            valid.append(name)
    if valid:
        yield SYNTAX_OK(servers=valid)
