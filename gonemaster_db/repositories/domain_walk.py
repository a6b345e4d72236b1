"""Pages of domains, found along an index.

Each index has a column to sort by, the name, and what is filtered by. The domains with one value of the column are a
group, and within it they are in order of name. So one index serves both directions, although ties are in the same order
in both, and domains that do not match are skipped within the index.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Subquery, func, literal, or_, select, text, union_all
from sqlalchemy.orm import Session

from gonemaster_db.filters import DomainFilter
from gonemaster_db.levels import LEVELS, SEVERITIES, at_least
from gonemaster_db.models import Domain, DomainTag
from gonemaster_db.repositories.domains import contains_name

_NAME, _LEVEL = Domain.name.expression, Domain.latest_level.expression
_TESTED = Domain.latest_run_at.expression
_MAX_LOOKED_UP = 4000  # domains that are looked up in a tag in a fraction of the time in which a large tag is read
_UNTESTED = None  # in place of a level
_EVERY = (_UNTESTED, *LEVELS)
_BY_RANK: list[list[str | None]] = [
    [level for level in _EVERY if level not in SEVERITIES],
    *([cast("str | None", level)] for level in SEVERITIES),
]
_BY_VALUE: dict[str, ColumnElement[Any]] = {
    "latest_score": Domain.latest_score.expression,
    "run_count": Domain.run_count.expression,
}


@dataclass(frozen=True, slots=True)
class Group:
    """Domains that are equal in a sort order but for their names, in one or more parts of an index."""

    parts: Sequence[ColumnElement[bool]]
    down: bool = False
    by_time: bool = False
    """Sorted by the time of the newest run first, which differs as a rule."""

    @property
    def first_columns(self) -> list[ColumnElement[Any]]:
        """Return what is sorted by before the name."""
        return [_TESTED] if self.by_time else []

    def order(self, columns: Any) -> list[ColumnElement[Any]]:
        """Return what to sort columns by."""
        if self.by_time:
            return [_directed(columns.latest_run_at, down=self.down), columns.name.asc()]
        return [_directed(columns.name, down=self.down)]


def index_conditions(wanted: DomainFilter) -> list[ColumnElement[bool]]:
    """Return the conditions on what all indexes have: name and level."""
    found = [contains_name(_NAME, wanted.name)] if wanted.name else []
    return found if (levels := _levels(wanted)) is None else [*found, _LEVEL.in_(levels)]


def member_condition(tag: str) -> ColumnElement[bool]:
    """Match the domains of a tag."""
    return Domain.id.in_(select(DomainTag.domain_id).where(DomainTag.tag == tag))


def walk_domains(
    session: Session, wanted: DomainFilter, sort: str, *, limit: int, offset: int, candidates: float
) -> list[int] | None:
    """Return the ids of a page. What comes before it is counted, group by group.

    `candidates` tells how many domains are likely to be looked at. None: untagged domains are too far to walk.
    """
    walk = _Walk(session, wanted, is_long=candidates > _MAX_LOOKED_UP)
    found: list[int] = []
    for group in _groups(session, wanted, sort):
        rows = walk.ids(group, limit - len(found), offset)
        if rows is None:
            return None
        if rows:
            offset = 0
        elif offset:
            offset -= walk.count(group)
        found += rows
        if len(found) >= limit:
            break
    return found


class _Walk:
    """Reads groups of the domains that match.

    Tags are not in the index. The first domains are looked up in a tag; where that does not fill the page, such as for
    names that come late in the alphabet, the whole tag is read and hashed.
    """

    def __init__(self, session: Session, wanted: DomainFilter, *, is_long: bool) -> None:
        self._session = session
        self._conditions = index_conditions(wanted)
        self._tag = wanted.domain_tag
        self._untagged = wanted.untagged
        self._is_long = is_long

    def ids(self, group: Group, limit: int, offset: int) -> Sequence[int] | None:
        """Return ids of a group in order; None if untagged domains do not come soon."""
        if self._untagged:
            rows = self._first(group, limit, offset)
            return rows if len(rows) == limit else None
        if self._tag is None:
            return self._session.scalars(_paged(group, self._candidates(group, limit + offset), limit, offset)).all()
        if not self._is_long:
            rows = self._first(group, limit, offset)
            if len(rows) == limit:
                return rows
        every = self._candidates(group, None)
        return self._session.scalars(_paged(group, every, limit, offset).where(_hashed(every.c.id, self._tag))).all()

    def _first(self, group: Group, limit: int, offset: int) -> Sequence[int]:
        """Return ids of a group as far as they are among its first domains."""
        first = self._candidates(group, _MAX_LOOKED_UP)
        tags = _tags(first.c.id)
        if self._tag is None:
            looked_up = tags.scalar_subquery().is_(None)
        else:
            looked_up = tags.where(DomainTag.tag == self._tag).scalar_subquery().is_not(None)
        return self._session.scalars(_paged(group, first, limit, offset).where(looked_up)).all()

    def count(self, group: Group) -> int:
        """Count a group."""
        every = self._candidates(group, None)
        query = select(func.count()).select_from(every)
        if self._tag is not None:
            query = query.where(_hashed(every.c.id, self._tag))
        return self._session.scalar(query) or 0

    def _candidates(self, group: Group, most: int | None) -> Subquery:
        """Select those of a group that match but for the tag, in order; an offset hides parts from PostgreSQL.

        It would hash the tag once for each of them.
        """
        parts = [
            select(Domain.id, *group.first_columns, Domain.name)
            .where(part, *self._conditions)
            .order_by(*group.order(Domain))
            .limit(most)
            .offset(0)
            .subquery()
            for part in group.parts
        ]
        merged = parts[0] if len(parts) == 1 else union_all(*(select(part) for part in parts)).subquery()
        if len(parts) == 1:
            return merged
        return select(merged).order_by(*group.order(merged.c)).limit(most).offset(0).subquery()


def _paged(group: Group, candidates: Subquery, limit: int, offset: int) -> "Select[int]":
    return select(candidates.c.id).order_by(*group.order(candidates.c)).limit(limit).offset(offset)


def _tags(domain_id: ColumnElement[int]) -> "Select[int]":
    return select(literal(1)).where(DomainTag.domain_id == domain_id).limit(1)


def _hashed(domain_id: ColumnElement[int], tag: str) -> ColumnElement[bool]:
    """Match domains of a tag: PostgreSQL would join, but cannot see through OR."""
    return or_(domain_id.in_(select(DomainTag.domain_id).where(DomainTag.tag == tag)), text("1 = 0"))


def sort_order(sort: str) -> list[ColumnElement[Any]]:
    """Return what to sort domains by; those that were never tested were tested before all others."""
    name, _, direction = sort.rpartition("_")
    down = direction == "desc"
    if name == "name":
        return [_directed(_NAME, down=down)]
    columns = {**_BY_VALUE, "latest_level": Domain.latest_rank.expression, "latest_run_at": _TESTED}
    first = _directed(columns[name], down=down)
    return [first.nulls_first() if sort == "latest_run_at_asc" else first.nulls_last(), _NAME]


def _levels(wanted: DomainFilter) -> list[str] | None:
    """Return the levels that match; None: any level, and domains without one."""
    if wanted.level is None and wanted.min_level is None:
        return None
    least = LEVELS if wanted.min_level is None else at_least(wanted.min_level)
    return [level for level in least if wanted.level in (None, level)]


def _groups(session: Session, wanted: DomainFilter, sort: str) -> Iterator[Group]:
    """Yield the groups of a sort order, as far as they are asked for."""
    name, _, direction = sort.rpartition("_")
    down = direction == "desc"
    levels = _levels(wanted)
    if name == "name":
        yield Group(_of_levels(_EVERY if levels is None else levels), down=down)
    elif name == "latest_level":
        for rank in reversed(_BY_RANK) if down else _BY_RANK:
            if chosen := [level for level in rank if levels is None or level in levels]:
                yield Group(_of_levels(chosen))
    elif name == "latest_run_at":
        tested = Group([_TESTED.is_not(None)], down, by_time=True)
        untested = Group([_TESTED.is_(None)])
        yield from (tested, untested) if down else (untested, tested)
    else:
        yield from _by_value(session, _BY_VALUE[name], down=down)


def _of_levels(levels: Sequence[str | None]) -> list[ColumnElement[bool]]:
    return [_LEVEL.is_(None) if level is _UNTESTED else _LEVEL.in_([level]) for level in levels]


def _by_value(session: Session, column: ColumnElement[Any], *, down: bool) -> Iterator[Group]:
    """Yield a group for each value of a column, each value found when it is needed; those without one are the last."""
    query = select(column).where(column.is_not(None)).order_by(_directed(column, down=down)).limit(1)
    value = session.scalar(query)
    while value is not None:
        yield Group([column == value])
        value = session.scalar(query.where(column < value if down else column > value))
    yield Group([column.is_(None)])


def _directed(column: ColumnElement[Any], *, down: bool) -> Any:
    return column.desc() if down else column.asc()
