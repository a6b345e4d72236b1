"""Pages of domains, read along an index.

Each index has the sort column, the name and the filter columns. Domains with the same value of the sort column form a
group and are ordered by name in the index. One index therefore serves both directions, although ties are always sorted
by name, and domains that do not match are skipped within the index.
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
MAX_LOOKED_UP = 4000  # Up to this many domains, looking each one up in a tag is much faster than reading a large tag.
_LOOKED_UP_OF = 16  # For a larger tag, one lookup is allowed for this many members.
_UNTESTED = None  # represents the missing level of untested domains
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
    """Domains with equal sort values, ordered by name, in one or more parts of an index."""

    parts: Sequence[ColumnElement[bool]]
    down: bool = False
    by_time: bool = False
    """Whether the group is sorted by the time of the newest run first, which is usually unique."""
    source: "type[Domain | DomainRunCount]" = Domain
    """The table that has the index."""

    @property
    def id(self) -> ColumnElement[int]:
        """Return the column with the ID of the domain."""
        return Domain.id.expression if self.source is Domain else _COUNTED

    @property
    def first_columns(self) -> list[ColumnElement[Any]]:
        """Return the sort columns before the name."""
        return [_TESTED] if self.by_time else []

    def order(self, columns: Any) -> list[ColumnElement[Any]]:
        """Return the sort order for these columns."""
        if self.by_time:
            return [_directed(columns.latest_run_at, down=self.down), columns.name.asc()]
        return [_directed(columns.name, down=self.down)]


def index_conditions(
    criteria: DomainFilter, source: "type[Domain | DomainRunCount]" = Domain
) -> list[ColumnElement[bool]]:
    """Return the conditions on the columns that all indexes have: name and level."""
    found = [contains_name(source.name.expression, criteria.name)] if criteria.name else []
    return found if (levels := _levels(criteria)) is None else [*found, source.latest_level.expression.in_(levels)]


def member_condition(tag: str) -> ColumnElement[bool]:
    """Match the domains of a tag."""
    return Domain.id.in_(select(DomainTag.domain_id).where(DomainTag.tag == tag))


def walk_domains(
    session: Session, criteria: DomainFilter, sort: str, *, limit: int, offset: int, candidates: float, members: int = 0
) -> list[int] | None:
    """Return the IDs of a page; groups before the page are counted but not read.

    `candidates` is the expected number of domains to examine, `members` the number of domains of the tag. Returns None
    if untagged domains are wanted and the walk would be too long.
    """
    if criteria.domain_tag is None and not criteria.untagged:
        return _walk_groups(session, _groups(session, criteria, sort), criteria, limit, offset)
    maximum = max(MAX_LOOKED_UP, members // _LOOKED_UP_OF)
    if candidates <= maximum:
        found = _look_up(session, _groups(session, criteria, sort), criteria, limit, offset, maximum=maximum)
        if found is not None:
            return found
    if criteria.domain_tag is None:
        return None
    if sort.startswith("name"):
        (group,) = _groups(session, criteria, sort)
        every = _candidates(group, criteria, None)
        query = _paged(group, every, limit, offset).where(_hashed(every.c.id, criteria.domain_tag))
    else:
        query = select(Domain.id).where(*index_conditions(criteria), _hashed(Domain.id.expression, criteria.domain_tag))
        query = query.order_by(*sort_order(sort)).limit(limit).offset(offset)
    return list(session.scalars(query))


def _walk_groups(
    session: Session, groups: Iterable[Group], criteria: DomainFilter, limit: int, offset: int
) -> list[int]:
    found: list[int] = []
    for group in groups:
        missing = limit - len(found)
        candidates = _candidates(group, criteria, missing + offset)
        rows = session.scalars(_paged(group, candidates, missing, offset)).all()
        if rows:
            offset = 0
        elif offset:
            every = _candidates(group, criteria, None)
            offset -= session.scalar(select(func.count()).select_from(every)) or 0
        found += rows
        if len(found) == limit:
            break
    return found


def _look_up(
    session: Session, groups: Iterable[Group], criteria: DomainFilter, limit: int, offset: int, *, maximum: int
) -> list[int] | None:
    """Look the first domains up in the tag (in all tags for untagged ones); None if the page stays incomplete."""
    tag = criteria.domain_tag
    found: list[int] = []
    remaining = maximum
    for group in groups:
        first = _candidates(group, criteria, remaining)
        tags = select(literal(1)).where(DomainTag.domain_id == first.c.id).limit(1)
        if tag is None:
            is_wanted = tags.scalar_subquery().is_(None)
        else:
            is_wanted = tags.where(DomainTag.tag == tag).scalar_subquery().is_not(None)
        found += session.scalars(_paged(group, first, limit - len(found), offset).where(is_wanted))
        if len(found) == limit:
            return found
        remaining -= session.scalar(select(func.count()).select_from(first)) or 0
        if remaining <= 0 or offset:
            return None
    return found


def _candidates(group: Group, criteria: DomainFilter, maximum: int | None) -> Subquery:
    """Select the domains of a group that match all conditions except tags, in order.

    OFFSET 0 keeps PostgreSQL from merging the parts into the outer query, where it would hash a tag once for each part.
    """
    conditions = index_conditions(criteria, group.source)
    parts = [
        select(group.id, *group.first_columns, group.source.name)
        .where(part, *conditions)
        .order_by(*group.order(group.source))
        .limit(maximum)
        .offset(0)
        .subquery()
        for part in group.parts
    ]
    if len(parts) == 1:
        return parts[0]
    merged = union_all(*(select(part) for part in parts)).subquery()
    return select(merged).order_by(*group.order(merged.c)).limit(maximum).offset(0).subquery()


def _paged(group: Group, candidates: Subquery, limit: int, offset: int) -> "Select[int]":
    return select(candidates.c.id).order_by(*group.order(candidates.c)).limit(limit).offset(offset)


def _hashed(domain_id: ColumnElement[int], tag: str) -> ColumnElement[bool]:
    """Match the domains of a tag with a hash; the OR keeps PostgreSQL from turning the condition into a join."""
    return or_(domain_id.in_(select(DomainTag.domain_id).where(DomainTag.tag == tag)), text("1 = 0"))


def sort_order(sort: str) -> list[ColumnElement[Any]]:
    """Return the sort order of domains; untested domains sort before all tested ones by time."""
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


def _levels(criteria: DomainFilter) -> list[str] | None:
    """Return the matching levels; None matches any level and domains without a level."""
    if criteria.level is None and criteria.min_level is None:
        return None
    levels = LEVELS if criteria.min_level is None else at_least(criteria.min_level)
    return [level for level in levels if criteria.level in (None, level)]


def _groups(session: Session, criteria: DomainFilter, sort: str) -> Iterator[Group]:
    """Yield the groups of a sort order lazily."""
    name, _, direction = sort.rpartition("_")
    down = direction == "desc"
    levels = _levels(criteria)
    if name == "name":
        yield Group(_level_conditions(_EVERY if levels is None else levels), down=down)
    elif name == "latest_level":
        for rank in reversed(_BY_RANK) if down else _BY_RANK:
            if chosen := [level for level in rank if levels is None or level in levels]:
                yield Group(_level_conditions(chosen))
    elif name == "latest_run_at":
        tested = Group([_TESTED.is_not(None)], down, by_time=True)
        untested = Group([_TESTED.is_(None)])
        yield from (tested, untested) if down else (untested, tested)
    else:
        yield from _by_value(session, _BY_VALUE[name], down=down)


def _level_conditions(levels: Sequence[str | None]) -> list[ColumnElement[bool]]:
    return [_LEVEL.is_(None) if level is _UNTESTED else _LEVEL.in_([level]) for level in levels]


def _by_value(session: Session, column: ColumnElement[Any], *, down: bool) -> Iterator[Group]:
    """Yield a group for each value of a column, reading values on demand; domains without a value come last."""
    source: type[Domain | DomainRunCount] = DomainRunCount if column is _BY_VALUE["run_count"] else Domain
    query = select(column).where(column.is_not(None)).order_by(_directed(column, down=down)).limit(1)
    value = session.scalar(query)
    while value is not None:
        yield Group([column == value], source=source)
        value = session.scalar(query.where(column < value if down else column > value))
    yield Group([column.is_(None)], source=source)


def _directed(column: ColumnElement[Any], *, down: bool) -> Any:
    return column.desc() if down else column.asc()
