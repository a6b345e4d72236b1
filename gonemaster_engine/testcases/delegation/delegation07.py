"""DELEGATION07: the delegation and the zone should contain the same name servers.

Specification: Zonemaster DELEGATION07. RFC 1034 section 4.2.2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

EXTRA_CHILD = Tag("EXTRA_NAME_CHILD", Level.NOTICE, ("extra",))
EXTRA_PARENT = Tag("EXTRA_NAME_PARENT", Level.ERROR, ("extra",))
MATCH = Tag("NAMES_MATCH", Level.INFO, ("servers",))
TOTAL_MISMATCH = Tag("TOTAL_NAME_MISMATCH", Level.ERROR, ("glue", "child"))


@case("delegation07", EXTRA_CHILD, EXTRA_PARENT, MATCH, TOTAL_MISMATCH)
async def delegation07(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the delegation and the zone contain the same name servers."""
    if not await zone.apex_is_known():  # an unknown NS set cannot be compared
        return
    parent = set(await zone.glue_names())
    child = set(await zone.ns_names())
    if only_parent := parent - child:
        yield EXTRA_PARENT(extra=_joined(only_parent))
    if only_child := child - parent:
        yield EXTRA_CHILD(extra=_joined(only_child))
    if parent == child:
        yield MATCH(servers=parent)
    elif not parent & child:
        yield TOTAL_MISMATCH(glue=_joined(parent), child=_joined(child))


def _joined(ns_names: set[str]) -> str:
    return ";".join(sorted(ns_names))
