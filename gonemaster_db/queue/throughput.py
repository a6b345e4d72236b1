"""Throughput of the queue, measured from finished runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.models import AuditLine, Job, JobStatus, Run

_SAMPLE = 1000
_MIN_SAMPLE = 3


@dataclass(frozen=True, slots=True)
class Throughput:
    """Runs finished per second and their mean duration."""

    per_second: float
    mean_duration: timedelta


def measure_throughput(session: Session, *, now: datetime, window: timedelta) -> Throughput | None:
    """Measure the last started and finished runs, at most 1,000; None if fewer than three finished in the window."""
    query = (
        select(Run.finished_at, Run.duration_ms)
        .where(Run.finished_at >= now - window, Run.finished_at <= now, Run.started_at.is_not(None))
        .order_by(Run.finished_at.desc())
        .limit(_SAMPLE)
    )
    rows = session.execute(query).all()
    if len(rows) < _MIN_SAMPLE:
        return None
    span_s = max(0.001, (now - rows[-1].finished_at).total_seconds())
    mean_ms = sum(row.duration_ms or 0 for row in rows) / len(rows)
    return Throughput(len(rows) / span_s, timedelta(milliseconds=mean_ms))


def count_finished(session: Session, *, now: datetime, window: timedelta) -> int:
    """Count the runs that a worker started and that finished in the window."""
    query = select(func.count()).select_from(Run)
    return (
        session.scalar(
            query.where(Run.finished_at >= now - window, Run.finished_at <= now, Run.started_at.is_not(None))
        )
        or 0
    )


def has_progressed_since(session: Session, since: datetime) -> bool:
    """Return whether a job is running, has finished since then, or may not have started yet after a resume."""
    signs = (
        select(Job.id).where(Job.status == JobStatus.RUNNING),
        select(Run.id).where(Run.finished_at >= since),
        select(AuditLine.id).where(AuditLine.at >= since, AuditLine.action == "queue.resume"),
    )
    return any(session.scalar(sign.limit(1)) is not None for sign in signs)
