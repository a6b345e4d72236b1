"""Problems with aliases (CNAME) in the resolution of name server names."""

from __future__ import annotations

from collections.abc import Iterable

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.resolver.recursor import Resolution
from gonemaster_engine.zone.zone import Zone

CHAIN_TOO_LONG = Tag("CNAME_CHAIN_TOO_LONG", Level.ERROR, ("query_name",))
TARGET_UNRESOLVED = Tag("CNAME_TARGET_UNRESOLVED", Level.ERROR, ("query_name", "cname_target"))
TOO_MANY_RECORDS = Tag("CNAME_TOO_MANY_RECORDS", Level.ERROR, ("query_name",))
ALIAS_TAGS = (CHAIN_TOO_LONG, TARGET_UNRESOLVED, TOO_MANY_RECORDS)

_BY_KIND = {tag.name: tag for tag in ALIAS_TAGS}


async def alias_findings(zone: Zone, names: Iterable[str]) -> list[Finding]:
    """Return a finding for each problem in the resolution of these names."""
    findings = []
    for problem in await zone.cname_problems(names):
        tag = _BY_KIND[problem.kind]
        args = {"query_name": problem.query_name, "cname_target": problem.cname_target}
        findings.append(tag(**{key: args[key] for key in tag.keys}))
    return findings


def is_alias(resolution: Resolution, name: str) -> bool:
    """Return whether the name has a CNAME record."""
    return resolution.problem is not None or (resolution.response is not None and resolution.name != name)
