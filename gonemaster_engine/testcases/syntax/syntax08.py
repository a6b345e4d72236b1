"""SYNTAX08: the mail exchanges in MX records must be valid host names.

Specification: Zonemaster SYNTAX08. RFC 952, RFC 1123 section 2.1, RFC 3696 sections 2 and 5, RFC 5321 section 2.3.5.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.syntax._hostname import HostnameTags
from gonemaster_engine.zone.zone import Zone

TAGS = HostnameTags.of("MX", level=Level.WARNING)
SYNTAX_OK = Tag("MX_SYNTAX_OK", Level.INFO, ("domain",))
NO_RESPONSE = Tag("NO_RESPONSE_MX_QUERY", Level.DEBUG)


@case("syntax08", *TAGS.all, SYNTAX_OK, NO_RESPONSE)
async def syntax08(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the mail exchanges in the MX records are valid host names."""
    response = await zone.query_auth(zone.name, "MX")
    if response is None:
        yield NO_RESPONSE()
        return
    for host in zone.mail_servers(record.target for record in response.records("MX")):
        for finding in TAGS.faults(host) or [SYNTAX_OK(domain=host)]:
            yield finding
