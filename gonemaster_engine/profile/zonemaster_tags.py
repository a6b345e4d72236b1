"""Tags that Zonemaster names differently, and levels that a profile sets for them.

The table in data/zonemaster-names.json maps the tags of this engine to those of Zonemaster, and Zonemaster's tags of
the module SYSTEM and former tags of this engine to those of this engine. A broader tag exists in both engines, but
Zonemaster also uses it for cases in which this engine uses another tag.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gonemaster_engine.entries import Level

ALIAS_MODULES = ("ADDRESS", "BASIC", "CONNECTIVITY")  # whose test cases report problems with aliases


def engine_levels(levels: Mapping[str, Mapping[str, Level]]) -> dict[str, dict[str, Level]]:
    """Return levels by module and tag, with this engine's tags in place of those that Zonemaster names differently.

    Zonemaster reports problems with aliases in the module SYSTEM, this engine in each module that finds them. If
    several tags of Zonemaster map to one tag of this engine, the highest level counts; a level for this engine's own
    tag takes precedence.
    """
    renamed: defaultdict[str, dict[str, Level]] = defaultdict(dict)
    rest: dict[str, Mapping[str, Level]] = {}
    for module, tags in levels.items():
        engine_tags = {tag: _engine_tags(module, tag) for tag in tags}
        for tag, places in engine_tags.items():
            for engine_module, name in places:
                renamed[engine_module][name] = max(tags[tag], renamed[engine_module].get(name, tags[tag]))
        unmapped = {tag: level for tag, level in tags.items() if not engine_tags[tag]}
        if unmapped or not tags:
            rest[module] = unmapped
    return {module: {**renamed.get(module, {}), **rest.get(module, {})} for module in {**rest, **renamed}}


def engine_tag(name: str) -> str:
    """Return the tag of this engine that a name means, which can be Zonemaster's name or a former one of this engine.

    A name that both engines use means this engine's tag, and an unknown name is returned unchanged.
    """
    names = table()
    if name in names["broader_tags"]:
        return name
    found: str = _engine_names().get(name) or {**names["system_tags"], **names["former_tags"]}.get(name, name)
    return found


def _engine_tags(module: str, tag: str) -> list[tuple[str, str]]:
    """Return module and name of each tag of this engine for a tag of Zonemaster; none if the names are equal."""
    if module == "SYSTEM":
        name = table()["system_tags"].get(tag)
        return [(where, name) for where in ALIAS_MODULES if name]
    name = _engine_names().get(tag)
    unmapped = [(module, tag)] if tag in table()["broader_tags"] else []
    return [(module, name), *unmapped] if name else []


@cache
def _engine_names() -> Mapping[str, str]:
    return {zonemaster_tag: engine_tag for engine_tag, zonemaster_tag in table()["tags"].items()}


@cache
def table() -> dict[str, Any]:
    """Return the table: `tags`, `broader_tags`, `system_tags`, `former_tags`, `args` (keys by test case and tag)."""
    data = Path(__file__).parent.parent / "data" / "zonemaster-names.json"
    names: dict[str, Any] = json.loads(data.read_text(encoding="utf-8"))
    return names
