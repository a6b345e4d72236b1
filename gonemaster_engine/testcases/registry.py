"""The building blocks of test cases: tags, findings, cases and modules. catalogue.py lists the modules.

A case declares its tags once, with default level and argument keys; the default profile, the tag catalogue, the
documents and the message catalogues are built from or checked against this registry.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, overload

from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.zone.families import IPV4_DISABLED, IPV6_DISABLED, ServerFilter, server_filter
from gonemaster_engine.zone.zone import Zone

MODULE_NAMES = (
    "BASIC",
    "ADDRESS",
    "CONNECTIVITY",
    "CONSISTENCY",
    "DNSSEC",
    "DELEGATION",
    "NAMESERVER",
    "SYNTAX",
    "ZONE",
)

Emitted: TypeAlias = Mapping[str, frozenset[str]]
"""Tags of the finished cases of a module, by case ID. Cases that were not selected are absent."""
Findings: TypeAlias = AsyncIterator[Finding] | Awaitable[list[Finding]]
"""The findings of a case: one after the other, or all at its end."""


@dataclass(frozen=True, slots=True)
class Case:
    """A test case: its identity and its function."""

    id: str  # "basic01"
    purpose: str  # one line, from the docstring of its function
    tags: tuple[Tag, ...]  # all tags of the case, without START and END
    function: Callable[..., Findings]  # a function of the zone and, with `query_types`, of the server filter
    query_types: tuple[str, ...] = ()  # reported for each server whose address family is disabled
    module: str = field(init=False)  # name of its module, in upper case

    def __post_init__(self) -> None:
        object.__setattr__(self, "module", self.id.rstrip("0123456789").upper())

    async def run(self, zone: Zone, report: Callable[[Finding], None]) -> None:
        """Run the case; `report` receives each finding immediately, including the queries that are skipped."""
        usable = server_filter(zone.context.uses_family, self.query_types, report)
        found = self.function(zone, usable) if self.query_types else self.function(zone)
        if isinstance(found, AsyncIterator):
            async for finding in found:
                report(finding)
        else:
            for finding in await found:
                report(finding)

    @property
    def manual(self) -> str:
        """The module docstring of the case: specification and RFCs."""
        return (sys.modules[self.function.__module__].__doc__ or "").strip()


@overload
def case(case_id: str, *tags: Tag) -> Callable[[Callable[[Zone], Findings]], Case]: ...
@overload
def case(
    case_id: str, *tags: Tag, query_types: tuple[str, ...]
) -> Callable[[Callable[[Zone, ServerFilter], Findings]], Case]: ...
def case(case_id: str, *tags: Tag, query_types: tuple[str, ...] = ()) -> Callable[[Callable[..., Findings]], Case]:
    """Create a test case from a function that yields findings, and its docstring.

    With `query_types` the function receives the zone and a `ServerFilter`; for each server that the filter removes, the
    run reports each of these query types.
    """

    def make(function: Callable[..., Findings]) -> Case:
        purpose = (function.__doc__ or "").strip().partition("\n")[0]
        left_out = (IPV4_DISABLED, IPV6_DISABLED) if query_types else ()
        return Case(case_id.lower(), purpose, (*tags, *left_out), function, query_types)

    return make


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition under which a case runs: after which cases, and depending on which of their tags."""

    after: tuple[str, ...]  # case IDs; cases that are not selected are ignored
    is_met: Callable[[Emitted], bool]
    otherwise: Callable[[Zone, Emitted], Finding | None] | None = (
        None  # the module's finding if the condition is not met
    )


@dataclass(frozen=True, slots=True)
class Module:
    """A group of test cases, in order."""

    name: str
    cases: tuple[Case, ...]
    conditions: Mapping[str, Condition] = field(default_factory=dict)  # by case ID; the other cases run immediately
    extra_tags: tuple[Tag, ...] = ()  # reported by the run for the module, outside a case


def requires_any(case_id: str, *tags: str) -> Condition:
    """Return the condition that `case_id` reported one of these tags, or was not selected."""
    return Condition((case_id,), lambda emitted: case_id not in emitted or not emitted[case_id].isdisjoint(tags))


def requires_none(case_id: str, *unwanted: str) -> Condition:
    """Return the condition that `case_id` reported none of these tags."""
    return Condition((case_id,), lambda emitted: emitted.get(case_id, frozenset()).isdisjoint(unwanted))
