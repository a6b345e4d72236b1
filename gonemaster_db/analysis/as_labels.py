"""Labels of ASes in the registry of the analysis: which are wanted, and what was found."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from gonemaster_db.models import AnalysisAsn


def count_label_attempts(session: Session, *, after: datetime) -> int:
    """Count the ASes whose label was looked up after a moment."""
    return session.scalar(select(func.count()).where(AnalysisAsn.label_tried_at > after)) or 0


def wanted_labels(session: Session, *, known_before: datetime, failed_before: datetime, limit: int) -> Sequence[int]:
    """Return ASes to be looked up: those never tried, then those whose label or failure is older than a moment."""
    tried = AnalysisAsn.label_tried_at
    due = or_(
        tried.is_(None),
        and_(AnalysisAsn.label != "", tried < known_before),
        and_(AnalysisAsn.label == "", tried < failed_before),
    )
    # Those seen last come first: they are in the snapshots that people look at.
    order = (tried.is_not(None), tried, AnalysisAsn.last_seen_at.desc(), AnalysisAsn.asn)
    return session.scalars(select(AnalysisAsn.asn).where(due).order_by(*order).limit(limit)).all()


def note_labels(session: Session, labels: Mapping[int, str | None], *, now: datetime) -> None:
    """Store labels; None where none was found out, which leaves one from before."""
    for asn, label in sorted(labels.items()):  # in order, so that two transactions cannot deadlock
        values = {"label_tried_at": now} | ({} if label is None else {"label": label})
        found = update(AnalysisAsn).where(AnalysisAsn.asn == asn).values(values)
        session.execute(found, execution_options={"synchronize_session": False})
