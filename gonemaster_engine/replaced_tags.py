"""Tags of Zonemaster 2025.2 that tags of Zonemaster 2026.1 replace, under the names of this engine.

A run reports the tags of one release (`zonemaster.tags` in its profile). Code that reads runs must understand both,
because a run can be older than the profile.

The key `successors` of data/zonemaster-names.json lists the tags.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).parent / "data" / "zonemaster-names.json"


def successors(tag: str) -> tuple[str, ...]:
    """Return the tags that replace a tag of the older release; usually none."""
    return _successors().get(tag, ())


@cache  # the arguments are constants of rules
def with_successors(tags: frozenset[str]) -> frozenset[str]:
    """Return tags and the tags that replace them."""
    return tags.union(*map(successors, tags))


def predecessor(tag: str) -> str | None:
    """Return the tag of the older release that a tag replaces."""
    return _predecessors().get(tag)


def same_tags(tag: str) -> tuple[str, ...]:
    """Return a tag and its name in the other release, if there is exactly one or if several replaced one."""
    new = successors(tag)
    other = new[0] if len(new) == 1 else predecessor(tag)
    return (tag, other) if other else (tag,)


@cache
def _successors() -> Mapping[str, tuple[str, ...]]:
    document = json.loads(_TABLE.read_text(encoding="utf-8"))
    return {old: tuple(new) for old, new in document["successors"].items()}


@cache
def _predecessors() -> Mapping[str, str]:
    return {new: old for old, all_new in _successors().items() for new in all_new}
