"""Tags of Zonemaster 2025.2 that tags of Zonemaster 2026.1 replace, under the names of this engine.

A run reports the tags of one release (`zonemaster.tags` in its profile). Whatever reads runs understands both, because
a run can be older than the profile.

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


@cache
def _successors() -> Mapping[str, tuple[str, ...]]:
    document = json.loads(_TABLE.read_text(encoding="utf-8"))
    return {old: tuple(new) for old, new in document["successors"].items()}
