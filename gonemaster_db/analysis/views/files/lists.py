"""Pages of the lists of a view in files.

Parquet files have no indexes, but DuckDB reads only the columns of a statement and only the row groups that can match.
A page is found by reading the column of its sort, then its rows are read by position.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

Conditions = Sequence[ColumnElement[bool]]


def page_of_list(
    session: Session,
    view_id: int,
    model: Any,
    conditions: Conditions,
    order: Sequence[ColumnElement[Any]],
    *,
    limit: int,
    offset: int,
) -> tuple[list[Any], int]:
    """Return the rows of a page of the objects that match, and the number of all that match.

    `session` is one of DuckDB.
    """
    matching = (model.view_id == view_id, *conditions)
    total = session.scalar(select(func.count()).select_from(model).where(*matching)) or 0
    if offset >= total:
        return [], total
    page = select(model.position).where(*matching).order_by(*order).limit(limit).offset(offset)
    return rows_in_order(session, view_id, model, session.scalars(page).all()), total


def rows_in_order(session: Session, view_id: int, model: Any, positions: Sequence[int]) -> list[Any]:
    """Return the objects at these positions, in the given order."""
    if not positions:
        return []
    rows = session.scalars(select(model).where(model.view_id == view_id, model.position.in_(positions)))
    found = {row.position: row for row in rows}
    return [found[position] for position in positions if position in found]


def count_objects(session: Session, view_id: int, model: Any) -> int:
    """Return the number of objects of one kind, which is in the metadata of the files."""
    return session.scalar(select(func.count()).select_from(model).where(model.view_id == view_id)) or 0
