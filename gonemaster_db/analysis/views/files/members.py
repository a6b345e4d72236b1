"""Members of the objects of a view in files: ranges of rows that are sorted by object and member.

Each kind of object and kind of member has its own file, with the columns `position` of the object, `other` of the
member and `ordinal`, the number of the row.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, func, select
from sqlalchemy.orm import Session

_metadata = MetaData()
_tables: dict[tuple[str, str], Table] = {}


def members_table(owner: str, member: str) -> Table:
    """Return the table with the members of one kind that the objects of one kind have."""
    if (owner, member) not in _tables:
        columns = [Column(name, Integer) for name in ("position", "other")]
        _tables[owner, member] = Table(
            f"members_{owner}_{member}",
            _metadata,
            Column("view_id", BigInteger),
            *columns,
            Column("ordinal", BigInteger),
        )
    return _tables[owner, member]


def all_members(session: Session, owner: str, positions: Iterable[int], member: str) -> dict[int, list[int]]:
    """Return all members of objects by the objects' positions."""
    table = members_table(owner, member).c
    query = select(table.position, table.other).where(table.position.in_(list(positions))).order_by(table.ordinal)
    found: defaultdict[int, list[int]] = defaultdict(list)
    for position, other in session.execute(query):
        found[position].append(other)
    return dict(found)


def members_page(
    session: Session, owner: str, positions: Sequence[int], member: str, *, limit: int, offset: int
) -> tuple[list[int], int]:
    """Return a page of the members that any of some objects have, and the number of all."""
    table = members_table(owner, member).c
    if len(positions) == 1:
        return _page_of_one(session, table, positions[0], limit, offset)
    of_objects = table.position.in_(positions)
    total = session.scalar(select(func.count(table.other.distinct())).where(of_objects)) or 0
    page = select(table.other).where(of_objects).distinct().order_by(table.other).limit(limit).offset(offset)
    return list(session.scalars(page)), total


def _page_of_one(session: Session, table: Any, position: int, limit: int, offset: int) -> tuple[list[int], int]:
    """Read a page by its range of ordinals, so that no row group before the page is read."""
    ends = select(func.min(table.ordinal), func.max(table.ordinal)).where(table.position == position)
    first, last = session.execute(ends).one()
    if first is None:
        return [], 0
    begin = first + offset
    on_page = (table.position == position, table.ordinal >= begin, table.ordinal < begin + limit)
    return list(session.scalars(select(table.other).where(*on_page).order_by(table.ordinal))), last - first + 1
