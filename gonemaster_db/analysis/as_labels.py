"""Labels of ASes in the registry of the analysis: which to look up, and the results."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from gonemaster_db.models import AnalysisAsn


def count_label_attempts(session: Session, *, after: datetime) -> int:
    """Count the ASes whose label was looked up after a time."""
    return session.scalar(select(func.count()).where(AnalysisAsn.label_tried_at > after)) or 0


def wanted_labels(session: Session, *, known_before: datetime, failed_before: datetime, limit: int) -> Sequence[int]:
    """Return ASes to look up: first those never tried, then those whose label or failure is older than a time."""
    tried = AnalysisAsn.label_tried_at
    due = or_(
        tried.is_(None),
        and_(AnalysisAsn.label != "", tried < known_before),
        and_(AnalysisAsn.label == "", tried < failed_before),
    )
    # The most recent ASes come first, since they are in the snapshots that people read.
    order = (tried.is_not(None), tried, AnalysisAsn.last_seen_at.desc(), AnalysisAsn.asn)
    return session.scalars(select(AnalysisAsn.asn).where(due).order_by(*order).limit(limit)).all()


def store_labels(session: Session, labels: Mapping[int, str | None], *, now: datetime) -> None:
    """Store labels; None if a label could not be determined, which keeps the previous label."""
    for asn, label in sorted(labels.items()):  # sorted, so that two transactions cannot deadlock
        values = {"label_tried_at": now} | ({} if label is None else {"label": label})
        found = update(AnalysisAsn).where(AnalysisAsn.asn == asn).values(values)
        session.execute(found, execution_options={"synchronize_session": False})
