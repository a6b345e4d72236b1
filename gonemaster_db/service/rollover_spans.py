"""Timelines of zones: one row for each time during which all samples showed the same state."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.models import RolloverSpan

MAX_SPANS = 2000


def read_spans(session: Session, watch_id: int) -> Sequence[RolloverSpan]:
    """Return the timeline of a watch, in order."""
    query = select(RolloverSpan).where(RolloverSpan.watch_id == watch_id).order_by(RolloverSpan.key).limit(MAX_SPANS)
    return session.scalars(query).all()


def extend_span(span: RolloverSpan, *, at: datetime) -> None:
    """Add a sample that shows the same state."""
    span.last_at = at
    span.samples += 1


def add_span(session: Session, watch_id: int, *, at: datetime, state: Mapping[str, Any]) -> RolloverSpan:
    """Begin a span with a sample that shows another state."""
    span = RolloverSpan(watch_id=watch_id, first_at=at, last_at=at, samples=1, state=dict(state))
    session.add(span)
    session.flush()
    return span
