"""Registration data: a bounded number of fetched records, and the result of the last fetch."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Registration

_MAX_ERROR = 1000
_MAX_URL = 1000


def find_registration(session: Session, domain: str) -> Registration | None:
    """Read the record of a domain; None if it was never requested."""
    return session.get(Registration, domain)


def save_registration(session: Session, domain: str, *, content: str, source_url: str, now: datetime) -> None:
    """Store a fetched record."""
    found = _row(session, domain, now)
    found.content, found.source_url = content, source_url[:_MAX_URL]
    found.fetched_at, found.last_error = now, ""
    session.flush()


def record_registration_failure(session: Session, domain: str, *, error: str, now: datetime) -> None:
    """Record that a record could not be fetched; the previous content is kept."""
    _row(session, domain, now).last_error = error[:_MAX_ERROR]
    session.flush()


def _row(session: Session, domain: str, now: datetime) -> Registration:
    row = {"domain": domain, "content": "", "source_url": "", "tried_at": now, "last_error": ""}
    session.execute(insert(session, Registration).values(row).on_conflict_do_nothing())
    query = select(Registration).where(Registration.domain == domain).with_for_update()
    found = session.scalars(query, execution_options={"populate_existing": True}).one()
    found.tried_at = now
    return found


def count_registrations(session: Session, *, tried_after: datetime | None = None) -> int:
    """Count all records, or the records requested after a time."""
    query = select(func.count()).select_from(Registration)
    if tried_after is not None:
        query = query.where(Registration.tried_at > tried_after)
    return session.scalar(query) or 0


def drop_oldest_registrations(session: Session, *, keep: int) -> int:
    """Remove the records with the oldest requests, so that `keep` are left; return the number of removed records."""
    surplus = count_registrations(session) - keep
    if surplus <= 0:
        return 0
    oldest = select(Registration.domain).order_by(Registration.tried_at, Registration.domain).limit(surplus)
    oldest_domains = session.scalars(oldest).all()
    quiet = {"synchronize_session": False}
    for domain in oldest_domains:
        session.execute(delete(Registration).where(Registration.domain == domain), execution_options=quiet)
    return len(oldest_domains)
