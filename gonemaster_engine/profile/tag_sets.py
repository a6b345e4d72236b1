"""The releases of Zonemaster whose tags a run can report, and levels that profiles set for replaced tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gonemaster_engine.profile.zonemaster_tags import engine_tag
from gonemaster_engine.replaced_tags import successors

OLDEST: Final = "2025.2"
NEWEST: Final = "2026.1"
RELEASES: Final = (OLDEST, NEWEST)


def release_of(value: Any) -> str | None:
    """Return the release that a value names; None if it names none. YAML reads 2025.2 without quotes as a number."""
    text = str(value) if isinstance(value, (str, float)) else ""
    return text if text in RELEASES else None


def with_levels_of_successors(levels: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return levels by module and tag; a level of a replaced tag also applies to its successors without a level."""
    return {
        module: {new: level for old, level in tags.items() for new in successors(old)} | dict(tags)
        for module, tags in levels.items()
    }


def find_replaced_tags(document: Any) -> list[str]:
    """Return a sentence per module of a profile that has levels of replaced tags, unless it chooses their release."""
    if not isinstance(document, Mapping) or _chosen(document) == OLDEST:
        return []
    levels = document.get("test_levels")
    return list(_sentences(levels)) if isinstance(levels, Mapping) else []


def _sentences(levels: Mapping[Any, Any]) -> Iterator[str]:
    for module, tags in sorted(levels.items(), key=lambda item: str(item[0])):
        replaced = list(_replaced(map(str, tags))) if isinstance(tags, Mapping) else []
        if replaced:
            yield (
                f"test_levels.{str(module).upper()} has tags that Zonemaster {NEWEST} replaces;"
                f" their levels also apply to the new tags: {', '.join(replaced)}"
            )


def _replaced(tags: Iterable[str]) -> Iterator[str]:
    """Yield each replaced tag whose successors are not all in the same list, with its successors."""
    named = {tag.upper() for tag in tags}
    for tag in sorted(named):
        new = successors(engine_tag(tag))
        if not named.issuperset(new):
            yield f"{tag} (now {' or '.join(new)})"


def _chosen(document: Mapping[Any, Any]) -> str | None:
    section = document.get("zonemaster")
    return release_of(section.get("tags")) if isinstance(section, Mapping) else None
