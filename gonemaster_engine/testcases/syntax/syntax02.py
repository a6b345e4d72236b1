"""SYNTAX02: no label of the zone's name may start or end with a hyphen.

Specification: Zonemaster SYNTAX02. RFC 1035 section 2.3.1, RFC 1123 section 2.1, RFC 3696 section 2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

INITIAL = Tag("INITIAL_HYPHEN", Level.ERROR, ("domain", "label"))
TERMINAL = Tag("TERMINAL_HYPHEN", Level.ERROR, ("domain", "label"))
NONE = Tag("NO_ENDING_HYPHENS", Level.INFO, ("domain",))


@case("syntax02", INITIAL, NONE, TERMINAL)
async def syntax02(zone: Zone) -> AsyncIterator[Finding]:
    """Check that no label of the domain name starts or ends with a hyphen."""
    labels = names.labels(zone.name)
    for label in labels:
        if label.startswith("-"):
            yield INITIAL(domain=zone.name, label=label)
        if label.endswith("-"):
            yield TERMINAL(domain=zone.name, label=label)
    if labels and not any(label.startswith("-") or label.endswith("-") for label in labels):
        yield NONE(domain=zone.name)
