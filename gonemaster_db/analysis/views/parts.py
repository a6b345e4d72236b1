"""All rows of one kind of a view, read in slices."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.analysis.views.files.source import view_session
from gonemaster_db.analysis.views.lists import count_rows
from gonemaster_db.core.connection.deadlines import check_deadline

_AT_A_TIME = 5000


def in_parts(
    session: Session, query: Any, model: Any, view_id: int, *, position: Any = None
) -> Iterator[Sequence[Any]]:
    """Yield the rows of a query about objects of one kind in slices, in order of `position` (default: the object's).

    Ranges of positions are read from the primary key; the time limit of the session is checked between slices.
    """
    column = model.position if position is None else position
    for first in range(0, count_rows(session, view_id, model), _AT_A_TIME):
        check_deadline(session)
        part = query.where(column >= first, column < first + _AT_A_TIME).order_by(column)
        yield view_session(session, view_id).execute(part).all()
