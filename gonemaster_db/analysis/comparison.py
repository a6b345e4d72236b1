"""Compares two views, domain by domain and tag by tag, in one pass over each.

Source: contract analysis.md sections 5.5 and 6. Domains are matched by name; results by domain are arrays indexed by
the position in the earlier view.
"""

import enum
import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, select, type_coerce
from sqlalchemy.orm import Session

from gonemaster_db.analysis.tag_changes import MEASUREMENT, TagClass, TagKey, TagRules
from gonemaster_db.analysis.views.files.source import view_session
from gonemaster_db.analysis.views.parts import in_parts
from gonemaster_db.analysis.views.rows import read_members
from gonemaster_db.core.connection.deadlines import check_deadline
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.models import SnapshotDomain, SnapshotTag
from gonemaster_db.runs.causes import CauseChange, changes_of_causes, read_cause_sets

Cost = Callable[[str, str, str], float]
"""Points that an entry subtracts from the score, by module, tag and level."""

OK_CODE = LEVELS.index("NOTICE") - 1  # all levels below NOTICE count as this level
CRITICAL_CODE = LEVELS.index("CRITICAL")
_ABSENT = -1
_REAL, _MEASUREMENT, _UNKNOWN = 1, 2, 4


class ChangeCategory(enum.IntEnum):
    """The reason why the score of a domain changed. Values are stored."""

    REAL = 0
    MEASUREMENT = 1
    MIXED = 2
    UNKNOWN = 3  # a class is unknown, or no tag changed


_CATEGORIES = {
    _REAL: ChangeCategory.REAL,
    _MEASUREMENT: ChangeCategory.MEASUREMENT,
    _REAL | _MEASUREMENT: ChangeCategory.MIXED,
}


@dataclass(frozen=True, slots=True)
class Moved:
    """A domain whose score or findings changed: its positions in both views, its score change, and the reason."""

    before: int
    after: int
    delta: int
    explained: int
    category: ChangeCategory


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag whose domains or level changed; a level of None means that the tag is absent."""

    key: TagKey
    was: str | None
    now: str | None
    domains_before: int
    domains_after: int
    appeared: int  # domains in both snapshots that have the tag only in the later one
    cleared: int
    tag_class: TagClass


@dataclass(frozen=True)
class Comparison:
    """All differences; pairs are positions in the earlier and in the later view."""

    added: Sequence[int]
    removed: Sequence[int]
    grade_changed: Sequence[tuple[int, int]]
    level_changed: Sequence[tuple[int, int]]
    moved: Sequence[Moved]  # by delta, then name
    tags: Sequence[TagChange]
    causes: Sequence[CauseChange]
    causes_changed: Sequence[tuple[int, int]]
    totals: Mapping[str, Any]


class _ViewDomains:
    """The domains of a view, by position."""

    def __init__(self, session: Session, view_id: int) -> None:
        self.places: dict[str, int] = {}
        self.scores: list[int | None] = []
        self.grades: list[str | None] = []
        self.severities = bytearray()
        self.cause_sets: list[int | None] = []
        level = type_coerce(SnapshotDomain.worst_level, Integer)
        columns = (SnapshotDomain.name, SnapshotDomain.score, SnapshotDomain.grade, level, SnapshotDomain.cause_set_id)
        query = select(*columns).where(SnapshotDomain.view_id == view_id)
        for part in in_parts(session, query, SnapshotDomain, view_id):
            for name, score, grade, code, cause_set_id in part:
                self.places[name] = len(self.scores)
                self.scores.append(score)
                self.grades.append(grade)
                self.severities.append(max(OK_CODE, code or 0))
                self.cause_sets.append(cause_set_id)


@dataclass
class _Pairs:
    """The domains of both views; `later` and `earlier` map positions, with _ABSENT for missing domains."""

    before: _ViewDomains
    after: _ViewDomains
    later: "array[int]"
    earlier: "array[int]"

    def common(self) -> Iterator[tuple[int, int]]:
        """Yield the positions of domains in both views."""
        return ((earlier, later) for earlier, later in enumerate(self.later) if later != _ABSENT)


class _Changes:
    """The effect of changed tags on each domain, by its position in the earlier view."""

    def __init__(self, size: int) -> None:
        self.points = array("d", bytes(8 * size))
        self.kinds = bytearray(size)

    def note(self, positions: frozenset[int], points: float, kind: int) -> None:
        """Add a changed tag to domains."""
        for position in positions:
            self.points[position] += points
            self.kinds[position] |= kind


def compare_views(session: Session, before: int, after: int, *, rules: TagRules, cost: Cost, cap: int) -> Comparison:
    """Compare two views by ID; `cap` is the maximum score of a domain with a CRITICAL entry.

    Raises TimeLimitExceeded if the session has a time limit.
    """
    pairs = _paired(_ViewDomains(session, before), _ViewDomains(session, after))
    changes = _Changes(len(pairs.later))
    tags = _compare_tags(session, (before, after), pairs, changes, rules, cost)
    moved = _moved(pairs, changes, cap)
    grades = [pair for pair in pairs.common() if pairs.before.grades[pair[0]] != pairs.after.grades[pair[1]]]
    causes, causes_changed = _compare_causes(session, pairs)
    levels = [pair for pair in pairs.common() if pairs.before.severities[pair[0]] != pairs.after.severities[pair[1]]]
    return Comparison(
        added=[position for position, other in enumerate(pairs.earlier) if other == _ABSENT],
        removed=[position for position, other in enumerate(pairs.later) if other == _ABSENT],
        grade_changed=grades,
        level_changed=levels,
        moved=moved,
        tags=tags,
        causes=causes,
        causes_changed=causes_changed,
        totals=_totals(pairs, moved, grades),
    )


def _paired(before: _ViewDomains, after: _ViewDomains) -> _Pairs:
    later = array("i", [after.places.get(name, _ABSENT) for name in before.places])
    earlier = array("i", [before.places.get(name, _ABSENT) for name in after.places])
    return _Pairs(before, after, later, earlier)


def _compare_causes(session: Session, pairs: _Pairs) -> tuple[list[CauseChange], list[tuple[int, int]]]:
    """Return the changed causes, and the domains of both views whose known causes differ."""
    was, now = pairs.before.cause_sets, pairs.after.cause_sets
    changed = [(old, new) for old, new in pairs.common() if None not in (was[old], now[new]) and was[old] != now[new]]
    counts = Counter((was[old], now[new]) for old, new in changed)
    sets = read_cause_sets(session, {*was, *now})
    return changes_of_causes(sets, Counter(was), Counter(now), counts), changed


@dataclass(frozen=True, slots=True)
class TagSide:
    """A tag in one view: its level, its number of domains, and those of its domains that are in both views."""

    level: str | None = None
    count: int = 0
    domains: frozenset[int] = frozenset()


def _compare_tags(
    session: Session, views: tuple[int, int], pairs: _Pairs, changes: _Changes, rules: TagRules, cost: Cost
) -> list[TagChange]:
    positions = [read_tags(session, view_id, rules) for view_id in views]
    found = []
    for key in sorted({*positions[0], *positions[1]}):
        check_deadline(session)
        was = _side(session, views[0], positions[0].get(key), lambda at: at if pairs.later[at] != _ABSENT else _ABSENT)
        now = _side(session, views[1], positions[1].get(key), lambda at: pairs.earlier[at])
        appeared, cleared = now.domains - was.domains, was.domains - now.domains
        _note(changes, key, was, now, rules, cost)
        if appeared or cleared or was.level != now.level:
            levels = _levels(was, now)
            tag_class = rules.classify(key, *levels)
            sizes = (was.count, now.count, len(appeared), len(cleared))
            found.append(TagChange(key, *levels, *sizes, tag_class))
    return found


def _levels(was: TagSide, now: TagSide) -> tuple[str | None, str | None]:
    return (was.level, now.level)


def _note(changes: _Changes, key: TagKey, was: TagSide, now: TagSide, rules: TagRules, cost: Cost) -> None:
    """Record for the affected domains that the tag appeared, was cleared, or has another level."""
    appeared, cleared, changed = effects_of(key, was.level, now.level, rules, cost)
    changes.note(now.domains - was.domains, *appeared)
    changes.note(was.domains - now.domains, *cleared)
    if was.level != now.level:
        changes.note(was.domains & now.domains, *changed)


def effects_of(
    key: TagKey, was: str | None, now: str | None, rules: TagRules, cost: Cost
) -> tuple[tuple[float, int], tuple[float, int], tuple[float, int]]:
    """Return points and kind of the change for a domain where a tag appeared, was cleared, or has another level."""
    before, after = (0.0 if level is None else cost(key.module, key.tag, level) for level in (was, now))
    return (
        (after, _kind(rules.classify(key, None, now))),
        (-before, _kind(rules.classify(key, was, None))),
        (after - before, _kind(rules.classify(key, was, now))),
    )


def _kind(tag_class: TagClass) -> int:
    return _UNKNOWN if tag_class is TagClass.UNKNOWN else _MEASUREMENT if tag_class in MEASUREMENT else _REAL


def read_tags(session: Session, view_id: int, rules: TagRules) -> dict[TagKey, Any]:
    """Return the rows of the message tags of a view that the rules show."""
    rows = view_session(session, view_id).scalars(select(SnapshotTag).where(SnapshotTag.view_id == view_id))
    return {TagKey(row.tag, row.module, row.testcase): row for row in rows if rules.is_shown(row.level)}


def _side(session: Session, view_id: int, row: Any, translate: Callable[[int], int]) -> TagSide:
    if row is None:
        return TagSide()
    positions = read_members(session, view_id, "tag", row.position, "domain")
    return TagSide(row.level, row.domain_count, frozenset(map(translate, positions)) - {_ABSENT})


def _moved(pairs: _Pairs, changes: _Changes, cap: int) -> list[Moved]:
    found = []
    for before, after in pairs.common():
        old, new = pairs.before.scores[before], pairs.after.scores[after]
        if old is None or new is None:
            continue
        critical = (pairs.before.severities[before] >= CRITICAL_CODE, pairs.after.severities[after] >= CRITICAL_CODE)
        explained = explained_change((old, new), critical, changes.points[before], cap)
        if new != old or explained:
            category = _CATEGORIES.get(changes.kinds[before], ChangeCategory.UNKNOWN)
            found.append(Moved(before, after, new - old, explained, category))
    return sorted(found, key=lambda domain: (domain.delta, domain.after))


def explained_change(scores: tuple[int, int], critical: tuple[bool, bool], points: float, cap: int) -> int:
    """Return the part of a score change that the changed tags explain: their points, and the cap of CRITICAL entries.

    The cap hides all other points: on the side without CRITICAL entries, only points above the cap count.
    """
    old, new = scores
    match critical:
        case (False, True):
            return -_round(max(points, old - cap))
        case (True, False):
            return -_round(min(points, cap - new))
        case (True, True):
            return max(min(0, new - old), min(max(0, new - old), -_round(points)))
    return -_round(points)


def _round(number: float) -> int:
    """Round half away from zero, tolerating floating-point error."""
    return int(math.copysign(math.floor(abs(number) + 0.5 + 1e-9), number))


def _totals(pairs: _Pairs, moved: Sequence[Moved], grades: Sequence[tuple[int, int]]) -> dict[str, Any]:
    common = list(pairs.common())
    scored = [
        (old, new)
        for before, after in common
        if (old := pairs.before.scores[before]) is not None and (new := pairs.after.scores[after]) is not None
    ]
    matrix = Counter((pairs.before.grades[before], pairs.after.grades[after]) for before, after in grades)
    categories = Counter(domain.category.name.lower() for domain in moved)
    return {
        "from_domain_count": len(pairs.later),
        "to_domain_count": len(pairs.earlier),
        "common": len(common),
        "added": len(pairs.earlier) - len(common),
        "removed": len(pairs.later) - len(common),
        "compared": len(scored),
        "improved": sum(new > old for old, new in scored),
        "regressed": sum(new < old for old, new in scored),
        "identical_score": sum(new == old for old, new in scored),
        "from_mean_score": _mean(pairs.before.scores),
        "to_mean_score": _mean(pairs.after.scores),
        "from_grades": _counted(pairs.before.grades),
        "to_grades": _counted(pairs.after.grades),
        "grade_changes": [
            {"from_grade": old, "to_grade": new, "count": count}
            for (old, new), count in sorted(matrix.items(), key=lambda item: (str(item[0][0]), str(item[0][1])))
        ],
        "domain_categories": {category.name.lower(): categories[category.name.lower()] for category in ChangeCategory},
    }


def _mean(scores: Sequence[int | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return round(sum(known) / len(known), 2) if known else None


def _counted(grades: Sequence[str | None]) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for grade in grades:
        if grade is not None:
            found[grade] += 1
    return dict(sorted(found.items()))
