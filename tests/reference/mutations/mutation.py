"""A mutation: a world for one case, and the tags that it must produce."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dns.message

from tests.support.dnssec_worlds import edit, with_fault
from tests.support.dnsworld import Fault, World


@dataclass(frozen=True)
class Mutation:
    """A world with one change; `reaches` are tags that both sides must report, `without` tags that they must not."""

    case: str
    build: Callable[[], World]
    reaches: tuple[str, ...]
    without: tuple[str, ...] = ()
    zone: str = "example.xa"
    options: Mapping[str, Any] = field(default_factory=dict)
    blocked: tuple[tuple[int, str], ...] = ()  # numbers on a list of compromised keys, and the name of the list


def on_type(world: World, kind: str, fault: Fault, *addresses: str, **conditions: Any) -> World:
    """Add a fault for one type to servers, by default to both of the zone."""
    return with_fault(world, fault, *addresses, qtype=kind, **conditions)


def changed(change: Callable[[dns.message.Message], None]) -> Fault:
    return edit(change)


def names(prefix: str, words: str) -> tuple[str, ...]:
    """Return tags with a prefix."""
    return tuple(f"{prefix}{word}" for word in words.split())


def numbered(found: Iterable[tuple[str, Mutation]]) -> dict[str, Mutation]:
    """Create a table; reject duplicate names."""
    table: dict[str, Mutation] = {}
    for name, mutation in found:
        if name in table:
            raise ValueError(f"two mutations are called {name}")
        table[name] = mutation
    return table
