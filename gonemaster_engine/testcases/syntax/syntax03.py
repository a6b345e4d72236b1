"""SYNTAX03: no label of the zone's name may have hyphens in positions 3 and 4, A-labels excepted.

Specification: Zonemaster SYNTAX03. RFC 3696 section 5, RFC 5890 section 2.3.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.syntax._hostname import is_reserved_label
from gonemaster_engine.zone.zone import Zone

DOUBLE_DASH = Tag("DISCOURAGED_DOUBLE_DASH", Level.WARNING, ("domain", "label"))
NONE = Tag("NO_DOUBLE_DASH", Level.INFO, ("domain",))


@case("syntax03", DOUBLE_DASH, NONE)
async def syntax03(zone: Zone) -> AsyncIterator[Finding]:
    """Check that no label of the domain name has hyphens in positions 3 and 4, unless it is an A-label."""
    labels = names.labels(zone.name)
    reserved = [label for label in labels if is_reserved_label(label)]
    for label in reserved:
        yield DOUBLE_DASH(domain=zone.name, label=label)
    if labels and not reserved:
        yield NONE(domain=zone.name)
