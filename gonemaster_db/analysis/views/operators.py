"""The operators of domains with a root cause, and the domains that match a filter."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.views.files.source import is_in_files, view_session
from gonemaster_db.domains.domains import contains_name
from gonemaster_db.models import SnapshotDomain
from gonemaster_db.runs.causes import sets_with


def largest_operator(session: Session, view_id: int, cause: str) -> tuple[str, int, int] | None:
    """Return the operator of most domains with a cause: name, AS number, number of these domains; None if unknown."""
    count, reading = func.count(), view_session(session, view_id)
    sets = session.scalars(sets_with(cause)).all() if is_in_files(reading) else sets_with(cause)
    columns = (SnapshotDomain.operator, SnapshotDomain.operator_asn, count)
    query = (
        select(*columns)
        .where(
            SnapshotDomain.view_id == view_id,
            SnapshotDomain.operator_asn.is_not(None),
            SnapshotDomain.cause_set_id.in_(sets),
        )
        .group_by(SnapshotDomain.operator, SnapshotDomain.operator_asn)
        .order_by(count.desc(), SnapshotDomain.operator)
        .limit(1)
    )
    row = reading.execute(query).first()
    return None if row is None or row[1] is None else (row[0], row[1], row[2])


def matching_positions(session: Session, view_id: int, *, search: str, operator: str, level: str) -> set[int] | None:
    """Return the positions of the domains that match all filters that are not empty; None if all are empty."""
    conditions = []
    if search:
        conditions.append(contains_name(SnapshotDomain.name.expression, search))
    if operator:
        conditions.append(func.lower(SnapshotDomain.operator).contains(operator.lower(), autoescape=True))
    if level:
        conditions.append(SnapshotDomain.worst_level == level)
    if not conditions:
        return None
    query = select(SnapshotDomain.position).where(SnapshotDomain.view_id == view_id, *conditions)
    return set(view_session(session, view_id).scalars(query))
