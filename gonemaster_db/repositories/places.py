"""Where queued jobs stand: many are looked up in one walk over their tier's index."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import BigInteger, String, case, column, func, or_, select, values
from sqlalchemy.orm import Session

from gonemaster_db.models import Job, JobStatus

Mark = tuple[int, str]  # position and id; with an empty id it stands before all jobs of that position
_FIRST: Mark = (-(2**63), "")
_AT_ONCE = 200  # values of one statement, three for each mark


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """The unfinished jobs of a batch: how many there are, and where in the queue they lie."""

    batch_id: str
    queued: int
    held: int
    running: int
    first: Mark | None  # of those that are queued
    last: Mark | None
    first_start: datetime | None  # of those that run
    last_start: datetime | None


def find_positions(session: Session, jobs: Iterable[Job]) -> dict[str, int]:
    """Tell by id where jobs stand in their tiers, from 1; those that do not wait or are held are left out."""
    found: dict[str, int] = {}
    by_tier: dict[int, list[Job]] = {}
    for job in jobs:
        if job.status == JobStatus.QUEUED:
            by_tier.setdefault(job.priority, []).append(job)
    for priority, queued in by_tier.items():
        before = queued_before(session, priority, [(job.position, job.id) for job in queued])
        found |= {job.id: before[job.position, job.id] + 1 for job in queued}
    return found


def queued_before(session: Session, priority: int, marks: Iterable[Mark]) -> dict[Mark, int]:
    """Count for each mark the queued jobs of a tier that stand before it.

    Only the jobs between one mark and the next are counted, so that all together cost one walk.
    """
    counts: dict[Mark, int] = {}
    ordered = sorted(set(marks))
    total, low = 0, _FIRST
    for start in range(0, len(ordered), _AT_ONCE):
        piece = ordered[start : start + _AT_ONCE]
        between = _count_between(session, priority, [low, *piece])
        for mark, count in zip(piece, between, strict=True):
            total += count
            counts[mark] = total
        low = piece[-1]
    return counts


def _count_between(session: Session, priority: int, bounds: Sequence[Mark]) -> list[int]:
    rows = [(number, *low, *high) for number, (low, high) in enumerate(pairwise(bounds))]
    names = (("number", BigInteger), ("low", BigInteger), ("low_id", String), ("high", BigInteger), ("high_id", String))
    spans = values(*(column(name, kind) for name, kind in names), name="spans").data(rows).cte("spans").c
    counted = (
        select(func.count())
        .where(
            Job.priority == priority,
            Job.status == JobStatus.QUEUED,
            Job.position.between(spans.low, spans.high),
            or_(Job.position > spans.low, Job.id >= spans.low_id),
            or_(Job.position < spans.high, Job.id < spans.high_id),
        )
        .scalar_subquery()
    )
    return list(session.scalars(select(counted).select_from(spans.number.table).order_by(spans.number)))


def batch_spans(session: Session, batch_ids: Sequence[str]) -> Mapping[str, BatchSpan]:
    """Find the unfinished jobs of batches; finished ones are left out."""
    queued, running = Job.status == JobStatus.QUEUED, Job.status == JobStatus.RUNNING
    where, begun = case((queued, Job.position)), case((running, Job.started_at))
    query = (
        select(
            Job.batch_id,
            func.count(case((queued, 1))),
            func.count(case((Job.status == JobStatus.PAUSED, 1))),
            func.count(case((running, 1))),
            func.min(where),
            func.max(where),
            func.min(begun),
            func.max(begun),
        )
        .where(Job.batch_id.in_(batch_ids))
        .group_by(Job.batch_id)
    )
    return {row[0]: _span(*row) for row in session.execute(query)}


def _span(
    batch_id: str,
    queued: int,
    held: int,
    running: int,
    low: int | None,
    high: int | None,
    *starts: datetime | None,
) -> BatchSpan:
    first, last = (None if position is None else (position, "") for position in (low, high))
    return BatchSpan(batch_id, queued, held, running, first, last, *starts)
