"""Links that share one result."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import RunNotFound
from gonemaster_db.models import Run, ShareLink

_KEPT = timedelta(days=30)  # so that an expired link says that it has expired


def add_share(
    session: Session, digest: str, run_id: str, *, created_by: str, now: datetime, expires_at: datetime
) -> ShareLink:
    """Store a link to a run; delete links that expired long ago. Raises RunNotFound."""
    key = session.scalar(select(Run.key).where(Run.id == run_id))
    if key is None:
        raise RunNotFound(run_id)
    session.execute(delete(ShareLink).where(ShareLink.expires_at < now - _KEPT))
    share = ShareLink(digest=digest, run_key=key, created_by=created_by, created_at=now, expires_at=expires_at)
    session.add(share)
    session.flush()
    return share


def list_shares(session: Session, run_id: str) -> list[ShareLink]:
    """Return the links to a run, newest first."""
    shared = select(ShareLink).join(Run, Run.key == ShareLink.run_key).where(Run.id == run_id)
    return list(session.scalars(shared.order_by(ShareLink.created_at.desc(), ShareLink.digest)))


def find_share(session: Session, digest: str) -> tuple[ShareLink, Run] | None:
    """Return a link and its run, or None."""
    shared = select(ShareLink, Run).join(Run, Run.key == ShareLink.run_key).where(ShareLink.digest == digest)
    found = session.execute(shared).first()
    return None if found is None else (found[0], found[1])


def revoke_share(session: Session, digest: str, *, now: datetime) -> bool:
    """Revoke a link; return False if it was revoked before."""
    revoked = update(ShareLink).where(ShareLink.digest == digest, ShareLink.revoked_at.is_(None))
    return session.execute(revoked.values(revoked_at=now).returning(ShareLink.digest)).first() is not None
