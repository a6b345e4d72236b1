"""Reference lists: fetched content and the result of the last fetch."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import ReferenceList

_MAX_ERROR = 1000


def find_reference_list(session: Session, name: str) -> ReferenceList | None:
    """Read a list; None if it was never requested."""
    return session.get(ReferenceList, name)


def reserve_attempt(session: Session, name: str, *, now: datetime, interval: timedelta) -> bool:
    """Reserve the right to fetch a list now; return False if a process has tried within the interval.

    The statement decides atomically: only one of several concurrent processes gets the right.
    """
    never = insert(session, ReferenceList).values(
        name=name, version="", entries=0, content="", last_error="", tried_at=now
    )
    if session.execute(never.on_conflict_do_nothing().returning(ReferenceList.name)).first():
        return True
    # The clock may have been set back.
    due = or_(ReferenceList.tried_at <= now - interval, ReferenceList.tried_at > now)
    taken = update(ReferenceList).where(ReferenceList.name == name, due).values(tried_at=now)
    options = {"synchronize_session": False}
    return session.execute(taken.returning(ReferenceList.name), execution_options=options).first() is not None


def save_reference_list(
    session: Session, name: str, *, version: str, names: Collection[str], now: datetime
) -> ReferenceList:
    """Replace a list with the fetched content."""
    found = _row(session, name, now)
    found.version, found.entries, found.content = version, len(names), "\n".join(sorted(names))
    found.fetched_at = found.tried_at = now
    session.flush()
    return found


def record_failure(session: Session, name: str, *, error: str, now: datetime) -> None:
    """Record that a list could not be fetched; the previous content is kept."""
    found = _row(session, name, now)
    found.last_error, found.last_error_at = error[:_MAX_ERROR], now
    session.flush()


def _row(session: Session, name: str, now: datetime) -> ReferenceList:
    row = {"name": name, "version": "", "entries": 0, "content": "", "last_error": "", "tried_at": now}
    session.execute(insert(session, ReferenceList).values(row).on_conflict_do_nothing())
    return session.scalars(select(ReferenceList).where(ReferenceList.name == name).with_for_update()).one()
