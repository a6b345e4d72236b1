"""Pages of the lists of a view."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, Integer, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from gonemaster_db.analysis.views.files.lists import count_objects, page_of_list, rows_in_order
from gonemaster_db.analysis.views.files.source import is_in_files, view_session
from gonemaster_db.analysis.views.list_specs import Condition, ListSpec, Sort, ViewFilter
from gonemaster_db.analysis.views.view_cache import cached_value
from gonemaster_db.core.records import Page
from gonemaster_db.runs.causes import sets_with

NO_FILTER = ViewFilter()


@dataclass(frozen=True, slots=True)
class _PagePart:
    """A part of a page: the next `taken` rows with these values after `skipped` rows."""

    values: Sequence[int | None]
    skipped: int
    taken: int


def list_rows(
    session: Session,
    view_id: int,
    spec: ListSpec,
    *,
    criteria: ViewFilter = NO_FILTER,
    sort: str = "",
    limit: int = 100,
    offset: int = 0,
) -> Page[Any]:
    """Return a page of a list. Raises KeyError for an unknown sort."""
    order = spec.sort(sort or spec.default_sort)
    if is_in_files(view_session(session, view_id)):
        return _in_files(session, view_id, spec, criteria, order, limit, offset)
    conditions = spec.conditions(criteria)
    if conditions:
        rows, total = _filtered(session, view_id, spec, conditions, order, limit, offset)
    elif order.column is None:
        rows, total = _by_position(session, view_id, spec, order, limit, offset)
    elif order.is_counted:
        rows, total = _by_counts(session, view_id, spec, order, limit, offset)
    elif order.column.nullable:  # Databases sort NULL differently in an index.
        rows, total = _filtered(session, view_id, spec, [], order, limit, offset)
    else:
        rows, total = _by_index(session, view_id, spec, order, limit, offset)
    return Page(rows, total, limit, offset)


def count_rows(session: Session, view_id: int, model: Any) -> int:
    """Count the rows of one kind: positions begin at 0 and have no gaps."""
    reading = view_session(session, view_id)
    if is_in_files(reading):
        key = (view_id, model.__tablename__, "count")
        number: int = cached_value(session, key, lambda: count_objects(reading, view_id, model))
        return number
    newest = select(func.max(model.position)).where(model.view_id == view_id)
    found = cached_value(session, (view_id, model.__tablename__, "count"), lambda: session.scalar(newest))
    return 0 if found is None else found + 1


def _in_files(
    session: Session, view_id: int, spec: ListSpec, criteria: ViewFilter, order: Sort, limit: int, offset: int
) -> Page[Any]:
    """Read a page of a view in files; sets of root causes are in the database."""
    sets = None if criteria.cause is None else session.scalars(sets_with(criteria.cause)).all()
    reading, model, conditions = view_session(session, view_id), spec.model, spec.conditions(criteria, sets)
    if conditions or order.column is not None:
        ways = _order(model, order)
        rows, total = page_of_list(reading, view_id, model, conditions, ways, limit=limit, offset=offset)
        return Page(rows, total, limit, offset)
    total = count_rows(session, view_id, model)
    positions = range(total)[::-1] if order.descending else range(total)
    return Page(rows_in_order(reading, view_id, model, positions[offset : offset + limit]), total, limit, offset)


def _by_position(
    session: Session, view_id: int, spec: ListSpec, sort: Sort, limit: int, offset: int
) -> tuple[Sequence[Any], int]:
    model, total = spec.model, count_rows(session, view_id, spec.model)
    first = max(0, total - offset - limit) if sort.descending else offset
    end = max(0, total - offset) if sort.descending else offset + limit
    query = select(model).where(model.view_id == view_id, model.position >= first, model.position < end)
    return session.scalars(query.order_by(*_order(model, sort))).all(), total


def _by_index(
    session: Session, view_id: int, spec: ListSpec, sort: Sort, limit: int, offset: int
) -> tuple[Sequence[Any], int]:
    """Read a page from the index of its sort; in descending order only rows with equal values are sorted in memory."""
    model, column = spec.model, cast("InstrumentedAttribute[Any]", sort.column)
    directed = column.desc() if sort.descending else column.asc()
    page = select(model.position).where(model.view_id == view_id).order_by(directed, model.position)
    chosen = page.limit(limit).offset(offset).subquery()
    query = select(model).join(chosen, chosen.c.position == model.position).where(model.view_id == view_id)
    return session.scalars(query.order_by(*_order(model, sort))).all(), count_rows(session, view_id, model)


def _filtered(
    session: Session,
    view_id: int,
    spec: ListSpec,
    conditions: list[Condition],
    sort: Sort,
    limit: int,
    offset: int,
) -> tuple[Sequence[Any], int]:
    """Find the matches in one pass over the view, for both the count and the page.

    Otherwise the planner would walk the index of the sort and read the rows one by one in random order.
    """
    model = spec.model
    keys = [model.position] if sort.column is None else [model.position, sort.column.label("sorted")]
    found = select(*keys).where(model.view_id == view_id, *conditions).cte("found").prefix_with("MATERIALIZED")
    inner: list[Any] = [found.c.position.desc() if sort.descending else found.c.position.asc()]
    if sort.column is not None:
        inner = [_directed(found.c.sorted, sort), found.c.position.asc()]
    page = select(found.c.position).order_by(*inner).limit(limit).offset(offset).subquery()
    total = select(func.count()).select_from(found).scalar_subquery()
    query = select(model, total).join(page, page.c.position == model.position).where(model.view_id == view_id)
    rows = session.execute(query.order_by(*_order(model, sort))).all()
    number = rows[0][1] if rows else session.scalar(select(total))
    return [row for row, _ in rows], number or 0


def _by_counts(
    session: Session, view_id: int, spec: ListSpec, sort: Sort, limit: int, offset: int
) -> tuple[Sequence[Any], int]:
    """Find the start of a page by counting each value, so that no row before the page is read."""
    model, codes = spec.model, type_coerce(sort.column, Integer)
    counts = _counts(session, view_id, model, sort.column)
    rows: list[Any] = []
    for part in _parts(_ordered(counts, descending=sort.descending), offset, limit):
        query = select(model).where(model.view_id == view_id, _has_value(codes, part.values))
        query = query.order_by(*_order(model, sort)) if len(part.values) > 1 else query.order_by(model.position)
        rows += session.scalars(query.offset(part.skipped).limit(part.taken))
    return rows, sum(counts.values())


def _counts(session: Session, view_id: int, model: Any, column: Any) -> dict[int | None, int]:
    """Count the rows by value; levels are counted by code, which has the same order."""
    codes = type_coerce(column, Integer)
    query = select(codes, func.count()).where(model.view_id == view_id).group_by(codes)
    key = (view_id, model.__tablename__, column.key)
    found: dict[int | None, int] = cached_value(
        session, key, lambda: {row[0]: row[1] for row in session.execute(query)}
    )
    return found


def _ordered(counts: Mapping[int | None, int], *, descending: bool) -> list[tuple[int | None, int]]:
    """Return the values and their counts in sort order, None last."""
    known = sorted((value for value in counts if value is not None), reverse=descending)
    return [(value, counts[value]) for value in [*known, *([None] if None in counts else [])]]


def _parts(counts: Iterable[tuple[int | None, int]], offset: int, limit: int) -> Iterator[_PagePart]:
    """Yield the parts of a page in order; values whose rows are all on the page are combined."""
    whole: list[int | None] = []
    taken_whole = 0
    for value, count in counts:
        skipped, taken = min(offset, count), min(limit, count - min(offset, count))
        offset, limit = offset - skipped, limit - taken
        if not taken:
            continue
        if taken == count and value is not None:
            whole.append(value)
            taken_whole += taken
            continue
        if whole:
            yield _PagePart(whole, 0, taken_whole)
            whole, taken_whole = [], 0
        yield _PagePart([value], skipped, taken)
    if whole:
        yield _PagePart(whole, 0, taken_whole)


def _has_value(codes: "ColumnElement[int]", values: Sequence[int | None]) -> Condition:
    return codes.is_(None) if values == [None] else codes.in_(values)


def _order(model: Any, sort: Sort) -> list[ColumnElement[Any]]:
    """Return the order of the list; equal rows are in order of position."""
    if sort.column is None:
        return [model.position.desc() if sort.descending else model.position.asc()]
    return [_directed(sort.column, sort), model.position.asc()]


def _directed(column: Any, sort: Sort) -> "ColumnElement[Any]":
    directed: ColumnElement[Any] = (column.desc() if sort.descending else column.asc()).nulls_last()
    return directed
