"""SYNTAX05: the SOA RNAME must not contain an at sign, which is written as a dot.

Specification: Zonemaster SYNTAX05. RFC 1035 sections 3.3.13 and 8.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases._mailbox import mailbox_text
from gonemaster_engine.testcases._soa import NO_RESPONSE_SOA_QUERY, first_soa
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

MISUSED = Tag("RNAME_MISUSED_AT_SIGN", Level.WARNING, ("rname",))
NONE = Tag("RNAME_NO_AT_SIGN", Level.INFO, ("rname",))


@case("syntax05", NO_RESPONSE_SOA_QUERY, MISUSED, NONE)
async def syntax05(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the SOA RNAME contains no at sign."""
    soa = await first_soa(zone)
    if soa is None:
        yield NO_RESPONSE_SOA_QUERY()
        return
    tag = MISUSED if any(b"@" in label for label in soa.rname.labels) else NONE
    yield tag(rname=mailbox_text(soa.rname))
