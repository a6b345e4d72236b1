"""ZONE13: an SPF policy must stay within the limit of DNS lookups.

RFC 7208 sections 4.6.4, 5.1, 5.2, 5.5, 6.1 and 7.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.testcases.zone._spf import evaluated_terms, policies
from gonemaster_engine.zone.zone import Zone

NO_SPF = Tag("Z13_NO_SPF_FOUND", Level.INFO, ("domain",))
EXCEEDED = Tag("Z13_SPF_LOOKUP_COUNT_EXCEEDED", Level.WARNING, ("domain", "count", "limit"))
OK = Tag("Z13_SPF_LOOKUP_COUNT_OK", Level.INFO, ("domain", "count"))
LOOP = Tag("Z13_SPF_LOOKUP_LOOP", Level.WARNING, ("domain", "loop_domain"))
MACRO = Tag("Z13_SPF_MACRO_TARGET", Level.NOTICE, ("domain", "target"))
PTR = Tag("Z13_SPF_PTR_DEPRECATED", Level.WARNING, ("domain",))
NOT_OBTAINED = Tag("Z13_SPF_RECURSIVE_ERROR", Level.NOTICE, ("domain", "target"))
UNABLE = Tag("Z13_UNABLE_TO_CHECK", Level.WARNING)

_COUNTED = frozenset({"a", "mx", "exists", "ptr", "include", "redirect"})
_FOLLOWED = frozenset({"include", "redirect"})
_MAX_TARGETS = 50  # further targets are counted but not followed; a policy with more targets is far beyond any limit
_MAX_TERMS = 1_000  # terms with a lookup; a count far above the limit need not be exact


@case("zone13", NO_SPF, EXCEEDED, OK, LOOP, MACRO, PTR, NOT_OBTAINED, UNABLE)
async def zone13(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the SPF policy stays within the limit of DNS lookups."""
    response = await zone.query_auth(zone.name, "TXT")
    if response is None:
        yield UNABLE()
        return
    found = policies(response, zone.name)
    if not found:
        yield NO_SPF(domain=zone.name)
        return
    walk = _PolicyWalk(zone)
    await walk.follow(found[0])
    for finding in walk.findings:
        yield finding
    limit = zone.setting("zone13", "spf_lookup_limit")
    if walk.count > limit:
        yield EXCEEDED(domain=zone.name, count=walk.count, limit=limit)
    else:
        yield OK(domain=zone.name, count=walk.count)


class _PolicyWalk:
    """Follows a policy through its includes and redirects, and counts the terms that need a lookup."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._visited = {zone.name}
        self._reported: set[tuple[str, str]] = set()
        self._looked_up = 0
        self.count = 0
        self.findings: list[Finding] = []

    async def follow(self, policy: str) -> None:
        """Count the terms of a policy and of the policies that it refers to."""
        remaining = [policy]
        while remaining:
            for term in evaluated_terms(remaining.pop()):
                if term.name not in _COUNTED or term.is_modifier != (term.name == "redirect"):
                    continue
                self.count += 1
                if self.count >= _MAX_TERMS:
                    return
                if term.name == "ptr":
                    self._report(PTR)
                elif term.name in _FOLLOWED and (found := await self._policy_of(term.value)):
                    remaining.append(found)

    async def _policy_of(self, target: str) -> str | None:
        if "%" in target:
            self._report(MACRO, target=target)
            return None
        try:
            domain = names.canonical(target)
        except ValueError:
            self._report(NOT_OBTAINED, target=target)
            return None
        if domain in self._visited:
            self._report(LOOP, loop_domain=domain)
            return None
        if self._looked_up >= _MAX_TARGETS:
            return None
        self._looked_up += 1
        resolution = await self._zone.recursor.resolve(domain, "TXT")
        found = policies(resolution.response, resolution.name) if resolution.response else []
        if len(found) != 1:  # several policies are an error, regardless of their order (RFC 7208 section 4.5)
            self._report(NOT_OBTAINED, target=domain)
            return None
        self._visited.add(domain)
        return found[0]

    def _report(self, tag: Tag, **args: str) -> None:
        key = (tag.name, "".join(args.values()))
        if key not in self._reported:
            self._reported.add(key)
            self.findings.append(tag(domain=self._zone.name, **args))
