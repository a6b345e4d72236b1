"""Whole views: begun under a lease, written in steps, removed when they are no longer shown."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.models.snapshot_tables import KINDS
from gonemaster_db.models import (
    CohortSnapshot,
    SnapshotAsn,
    SnapshotDomain,
    SnapshotEndpoint,
    SnapshotMembers,
    SnapshotNameserver,
    SnapshotOverview,
    SnapshotPrefix,
    SnapshotTag,
    SnapshotTestcase,
    SnapshotView,
)

READERS_END = timedelta(minutes=5)
"""The time that a replaced view is kept for its current readers."""
_OBJECT_TABLES: Sequence[type[Any]] = (
    SnapshotDomain, SnapshotNameserver, SnapshotEndpoint, SnapshotAsn, SnapshotPrefix, SnapshotTag, SnapshotTestcase,
)  # fmt: skip
_NO_SYNC = {"synchronize_session": False}
_SHOWN = exists().where(CohortSnapshot.view_id == SnapshotView.id)
VIEW_TABLES: Sequence[type[Any]] = (SnapshotOverview, *_OBJECT_TABLES, SnapshotMembers)


class ViewLost(Exception):
    """The view being built was removed, or its lease has expired."""


def begin_view(session: Session, snapshot_id: int, *, builder: str, now: datetime, lease: timedelta) -> int | None:
    """Create an empty view of a snapshot whose row is locked; None while another process builds one."""
    unfinished = (SnapshotView.snapshot_id == snapshot_id, SnapshotView.builder != "")
    if session.scalar(select(SnapshotView.id).where(*unfinished, SnapshotView.lease_until > now).limit(1)) is not None:
        return None
    view = SnapshotView(snapshot_id=snapshot_id, builder=builder, lease_until=now + lease, created_at=now)
    session.add(view)
    session.flush()
    return view.id


def renew_view(session: Session, view_id: int, *, builder: str, now: datetime, lease: timedelta) -> None:
    """Renew the lease in the transaction that writes rows.

    Raises ViewLost; the transaction must then be rolled back.
    """
    _change_own(session, view_id, builder, {"lease_until": now + lease})


def finish_view(session: Session, view_id: int, *, builder: str, fact_rows: int) -> None:
    """Mark a view as complete, with the number of its facts. Raises ViewLost."""
    _change_own(session, view_id, builder, {"builder": "", "lease_until": None, "fact_rows": fact_rows})


def abandon_view(session: Session, view_id: int, *, builder: str, now: datetime) -> None:
    """Expire the lease of a view, so that it is removed."""
    statement = update(SnapshotView).where(SnapshotView.id == view_id, SnapshotView.builder == builder)
    session.execute(statement.values(lease_until=now), execution_options=_NO_SYNC)


def retire_views(session: Session, view_ids: Iterable[int], *, now: datetime) -> None:
    """Mark views as no longer shown; they are removed after READERS_END."""
    dropped = update(SnapshotView).where(SnapshotView.id.in_(list(view_ids)))
    session.execute(dropped.values(builder="", lease_until=now + READERS_END), execution_options=_NO_SYNC)


def views_to_remove(session: Session, *, now: datetime, limit: int = 10) -> Sequence[int]:
    """Return views that are neither shown nor being built."""
    over = or_(SnapshotView.lease_until.is_(None), SnapshotView.lease_until <= now)
    query = select(SnapshotView.id).where(over, ~_SHOWN).order_by(SnapshotView.id).limit(limit)
    return session.scalars(query).all()


def remove_view_step(session: Session, view_id: int, *, now: datetime, limit: int) -> int:
    """Remove about `limit` rows of a view that is not shown; return their number, 0 if no row is left.

    The row of the view is removed last, so that an interrupted removal is found again.
    """
    over = or_(SnapshotView.lease_until.is_(None), SnapshotView.lease_until <= now)
    statement = select(SnapshotView.id).where(SnapshotView.id == view_id, over, ~_SHOWN)
    if session.scalar(statement.with_for_update(skip_locked=True)) is None:
        return 0
    for table in _OBJECT_TABLES:
        if removed := _remove_some(session, table, view_id, limit):
            return removed
    for kind in KINDS:
        if removed := _remove_some(session, SnapshotMembers, view_id, limit, SnapshotMembers.owner == kind):
            return removed
    session.execute(delete(SnapshotOverview).where(SnapshotOverview.view_id == view_id), execution_options=_NO_SYNC)
    session.execute(delete(SnapshotView).where(SnapshotView.id == view_id), execution_options=_NO_SYNC)
    return 1


def _remove_some(session: Session, table: type[Any], view_id: int, limit: int, *more: Any) -> int:
    """Remove the rows within `limit` positions of the lowest one; positions may be sparse."""
    of_view = and_(table.view_id == view_id, *more)
    lowest = session.scalar(select(func.min(table.position)).where(of_view))
    if lowest is None:
        return 0
    deletion = delete(table).where(of_view, table.position < lowest + limit)
    return max(1, session.connection().execute(deletion).rowcount)


def _change_own(session: Session, view_id: int, builder: str, values: dict[str, Any]) -> None:
    claimed_view = (
        update(SnapshotView).where(SnapshotView.id == view_id, SnapshotView.builder == builder).values(values)
    )
    if session.scalar(claimed_view.returning(SnapshotView.id), execution_options=_NO_SYNC) is None:
        raise ViewLost(str(view_id))
