"""Pages of domains, found along an index.

Each index has a column to sort by, the name, and what is filtered by. The domains with one value of the column are a
group, and within it they are in order of name. So one index serves both directions, although ties are in the same order
in both, and domains that do not match are skipped within the index.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Subquery, func, literal, or_, select, text, union_all
from sqlalchemy.orm import Session

from gonemaster_db.core.filters import DomainFilter
from gonemaster_db.core.levels import LEVELS, SEVERITIES, at_least
from gonemaster_db.domains.domains import contains_name
from gonemaster_db.models import Domain, DomainRunCount, DomainTag

_NAME, _LEVEL = Domain.name.expression, Domain.latest_level.expression
_TESTED = Domain.latest_run_at.expression
_COUNTED = DomainRunCount.domain_id.expression.label("id")
_MAX_LOOKED_UP = 4000  # domains that are looked up in a tag in a fraction of the time in which a large tag is read
_LOOKED_UP_OF = 16  # members of a larger tag for each domain that may be
_UNTESTED = None  # in place of a level
_EVERY = (_UNTESTED, *LEVELS)
_BY_RANK: list[list[str | None]] = [
    [level for level in _EVERY if level not in SEVERITIES],
    *([cast("str | None", level)] for level in SEVERITIES),
]
_BY_VALUE: dict[str, ColumnElement[Any]] = {
    "latest_score": Domain.latest_score.expression,
    "run_count": DomainRunCount.run_count.expression,
}


@dataclass(frozen=True, slots=True)
class Group:
    """Domains that are equal in a sort order but for their names, in one or more parts of an index."""

    parts: Sequence[ColumnElement[bool]]
    down: bool = False
    by_time: bool = False
    """Sorted by the time of the newest run first, which differs as a rule."""
    source: "type[Domain | DomainRunCount]" = Domain
    """The table that has the index."""

    @property
    def id(self) -> ColumnElement[int]:
        """Return the column of the number of the domain."""
        return Domain.id.expression if self.source is Domain else _COUNTED

    @property
    def first_columns(self) -> list[ColumnElement[Any]]:
        """Return what is sorted by before the name."""
        return [_TESTED] if self.by_time else []

    def order(self, columns: Any) -> list[ColumnElement[Any]]:
        """Return what to sort columns by."""
        if self.by_time:
            return [_directed(columns.latest_run_at, down=self.down), columns.name.asc()]
        return [_directed(columns.name, down=self.down)]


def index_conditions(
    wanted: DomainFilter, source: "type[Domain | DomainRunCount]" = Domain
) -> list[ColumnElement[bool]]:
    """Return the conditions on what all indexes have: name and level."""
    found = [contains_name(source.name.expression, wanted.name)] if wanted.name else []
    return found if (levels := _levels(wanted)) is None else [*found, source.latest_level.expression.in_(levels)]


def member_condition(tag: str) -> ColumnElement[bool]:
    """Match the domains of a tag."""
    return Domain.id.in_(select(DomainTag.domain_id).where(DomainTag.tag == tag))


def walk_domains(
    session: Session, wanted: DomainFilter, sort: str, *, limit: int, offset: int, candidates: float, members: int = 0
) -> list[int] | None:
    """Return the ids of a page. Before it, groups are counted and not read.

    `candidates` tells how many domains are likely to be looked at, `members` how many the tag has. None: untagged
    domains are too far to walk.
    """
    if wanted.domain_tag is None and not wanted.untagged:
        return _walk_groups(session, _groups(session, wanted, sort), wanted, limit, offset)
    most = max(_MAX_LOOKED_UP, members // _LOOKED_UP_OF)
    if candidates <= most:
        found = _look_up(session, _groups(session, wanted, sort), wanted, limit, offset, most=most)
        if found is not None:
            return found
    if wanted.domain_tag is None:
        return None
    if sort.startswith("name"):
        (group,) = _groups(session, wanted, sort)
        every = _candidates(group, wanted, None)
        query = _paged(group, every, limit, offset).where(_hashed(every.c.id, wanted.domain_tag))
    else:
        query = select(Domain.id).where(*index_conditions(wanted), _hashed(Domain.id.expression, wanted.domain_tag))
        query = query.order_by(*sort_order(sort)).limit(limit).offset(offset)
    return list(session.scalars(query))


def _walk_groups(session: Session, groups: Iterable[Group], wanted: DomainFilter, limit: int, offset: int) -> list[int]:
    found: list[int] = []
    for group in groups:
        missing = limit - len(found)
        candidates = _candidates(group, wanted, missing + offset)
        rows = session.scalars(_paged(group, candidates, missing, offset)).all()
        if rows:
            offset = 0
        elif offset:
            every = _candidates(group, wanted, None)
            offset -= session.scalar(select(func.count()).select_from(every)) or 0
        found += rows
        if len(found) == limit:
            break
    return found


def _look_up(
    session: Session, groups: Iterable[Group], wanted: DomainFilter, limit: int, offset: int, *, most: int
) -> list[int] | None:
    """Look the first domains up in a tag, or in all for those without; None if that does not fill the page."""
    tag = wanted.domain_tag
    found: list[int] = []
    left = most
    for group in groups:
        first = _candidates(group, wanted, left)
        tags = select(literal(1)).where(DomainTag.domain_id == first.c.id).limit(1)
        if tag is None:
            is_wanted = tags.scalar_subquery().is_(None)
        else:
            is_wanted = tags.where(DomainTag.tag == tag).scalar_subquery().is_not(None)
        found += session.scalars(_paged(group, first, limit - len(found), offset).where(is_wanted))
        if len(found) == limit:
            return found
        left -= session.scalar(select(func.count()).select_from(first)) or 0
        if left <= 0 or offset:
            return None
    return found


def _candidates(group: Group, wanted: DomainFilter, most: int | None) -> Subquery:
    """Select those of a group that match but for their tags, in order; an offset hides parts from PostgreSQL.

    It would hash a tag once for each of them.
    """
    conditions = index_conditions(wanted, group.source)
    parts = [
        select(group.id, *group.first_columns, group.source.name)
        .where(part, *conditions)
        .order_by(*group.order(group.source))
        .limit(most)
        .offset(0)
        .subquery()
        for part in group.parts
    ]
    if len(parts) == 1:
        return parts[0]
    merged = union_all(*(select(part) for part in parts)).subquery()
    return select(merged).order_by(*group.order(merged.c)).limit(most).offset(0).subquery()


def _paged(group: Group, candidates: Subquery, limit: int, offset: int) -> "Select[int]":
    return select(candidates.c.id).order_by(*group.order(candidates.c)).limit(limit).offset(offset)


def _hashed(domain_id: ColumnElement[int], tag: str) -> ColumnElement[bool]:
    """Match domains of a tag: PostgreSQL would join, but cannot see through OR."""
    return or_(domain_id.in_(select(DomainTag.domain_id).where(DomainTag.tag == tag)), text("1 = 0"))


def sort_order(sort: str) -> list[ColumnElement[Any]]:
    """Return what to sort domains by; those that were never tested were tested before all others."""
    name, _, direction = sort.rpartition("_")
    down = direction == "desc"
    if name == "name":
        return [_directed(_NAME, down=down)]
    columns: dict[str, ColumnElement[Any]] = {
        "latest_score": Domain.latest_score.expression,
        "run_count": Domain.run_count.expression,
        "latest_level": Domain.latest_rank.expression,
        "latest_run_at": _TESTED,
    }
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
    source: type[Domain | DomainRunCount] = DomainRunCount if column is _BY_VALUE["run_count"] else Domain
    query = select(column).where(column.is_not(None)).order_by(_directed(column, down=down)).limit(1)
    value = session.scalar(query)
    while value is not None:
        yield Group([column == value], source=source)
        value = session.scalar(query.where(column < value if down else column > value))
    yield Group([column.is_(None)], source=source)


def _directed(column: ColumnElement[Any], *, down: bool) -> Any:
    return column.desc() if down else column.asc()
