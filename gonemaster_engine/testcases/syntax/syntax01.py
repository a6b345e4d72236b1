"""SYNTAX01: the name of the zone should have only letters, digits and hyphens.

Specification: Zonemaster SYNTAX01. RFC 1035 section 2.3.1, RFC 1123 section 2.1, RFC 3696 section 2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.syntax._hostname import has_only_allowed_characters
from gonemaster_engine.zone.zone import Zone

NOT_ALLOWED = Tag("NON_ALLOWED_CHARS", Level.ERROR, ("domain",))
ALLOWED = Tag("ONLY_ALLOWED_CHARS", Level.INFO, ("domain",))


@case("syntax01", NOT_ALLOWED, ALLOWED)
async def syntax01(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the domain name contains only letters, digits and hyphens."""
    tag = ALLOWED if has_only_allowed_characters(zone.name) else NOT_ALLOWED
    yield tag(domain=zone.name)
