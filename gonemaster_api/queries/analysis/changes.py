"""One filtered list of changes between two snapshots, for pages and their CSV."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gonemaster_api.queries.analysis.comparisons import (
    cause_pairs,
    change_kind,
    level_pairs,
    single_domains,
    tag_document,
)
from gonemaster_api.queries.analysis.reading import Reading
from gonemaster_api.queries.analysis.report import moved_domains
from gonemaster_db.analysis.comparison import ChangeCategory
from gonemaster_db.analysis.public_snapshots import PublicSnapshot
from gonemaster_db.analysis.tag_changes import TagClass, read_rules
from gonemaster_db.analysis.views.operators import matching_positions
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_tasks.control.comparisons import read_comparison

CHANGES = ("appeared", "cleared", "level_changed", "domains_changed")


@dataclass(frozen=True)
class ChangeFilter:
    """The filter of a list of changes; `real` leaves out what the engine or the cohort changed."""

    search: str = ""
    operator: str = ""
    level: str = ""
    change: str = ""
    cause: str = ""
    real: bool = False

    def __bool__(self) -> bool:
        return self != ChangeFilter()


def read_changes(
    kind: str,
    reading: Reading,
    before: PublicSnapshot,
    after: PublicSnapshot,
    config: ScoringConfig,
    criteria: ChangeFilter,
    *,
    sentence: Callable[[str, str], str],
    limit: int,
    offset: int,
) -> tuple[list[dict[str, Any]], int]:
    """Return a page of the changes of a kind, and the number of all that match the filter.

    `sentence` returns the text of a message tag of a module, which the search includes.
    """
    found = read_comparison(reading.state.store, reading.session, before, after, config)
    end = offset + limit
    if kind == "tags":
        tags = [
            tag_document(change) | {"change": change_kind(change.was, change.now), "class": change.tag_class.value}
            for change in found.tags
        ]
        chosen = [tag for tag in tags if _matches(tag, criteria, sentence)]
        return chosen[offset:end], len(chosen)

    def positions(side: PublicSnapshot) -> set[int] | None:
        names = {"search": criteria.search, "operator": criteria.operator, "level": criteria.level}
        return matching_positions(reading.session, side.view_id, **names)

    if kind == "causes":
        pairs = _chosen(found.causes_changed, positions(after), lambda pair: pair[1])
        if not (criteria.cause or criteria.change):
            return cause_pairs(reading, before, after, pairs[offset:end]), len(pairs)
        changed = [row for row in cause_pairs(reading, before, after, pairs) if _has_cause(row, criteria)]
        return changed[offset:end], len(changed)
    if kind in ("added", "removed"):
        side = after if kind == "added" else before
        rows = _chosen(getattr(found, kind), positions(side), lambda position: position)
        return single_domains(reading, side, rows[offset:end]), len(rows)
    if kind in ("grade", "level"):
        pairs = _chosen(getattr(found, f"{kind}_changed"), positions(after), lambda pair: pair[1])
        return level_pairs(reading, before, after, pairs[offset:end]), len(pairs)
    moved = found.moved_page(found.moved_total, 0)
    moved = _chosen(moved, positions(after), lambda domain: domain.after)
    if criteria.real:
        moved = [domain for domain in moved if domain.category in (ChangeCategory.REAL, ChangeCategory.MIXED)]
    moved.sort(key=lambda domain: -abs(domain.delta))
    rules = read_rules(reading.session, before, after)
    return moved_domains(reading, before, after, moved[offset:end], rules), len(moved)


def _chosen(rows: Sequence[Any], positions: set[int] | None, position: Callable[[Any], int]) -> list[Any]:
    return list(rows) if positions is None else [row for row in rows if position(row) in positions]


def _has_cause(row: dict[str, Any], criteria: ChangeFilter) -> bool:
    sides = [criteria.change] if criteria.change in ("appeared", "cleared") else ["appeared", "cleared"]
    return any(criteria.cause in row[side] if criteria.cause else row[side] for side in sides)


def _matches(tag: dict[str, Any], criteria: ChangeFilter, sentence: Callable[[str, str], str]) -> bool:
    text = criteria.search.lower()
    return (
        (not criteria.level or criteria.level in (tag["from_level"], tag["to_level"]))
        and (not criteria.change or tag["change"] == criteria.change)
        and (not criteria.real or tag["class"] == TagClass.COHORT_CHANGE.value)
        and (not text or text in f"{tag['tag']} {tag['testcase']} {sentence(tag['tag'], tag['module'])}".lower())
    )
