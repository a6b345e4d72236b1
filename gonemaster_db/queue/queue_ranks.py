"""Ranks of queued jobs in their tier, counted for many jobs in one walk over the index (priority, position)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    String,
    bindparam,
    case,
    cast,
    column,
    func,
    or_,
    select,
    values,
)
from sqlalchemy.orm import Session

from gonemaster_db.models import Job, JobStatus

QueueKey = tuple[int, str]  # position and ID; an empty ID sorts before all jobs of that position
_ONE_SPAN = 2  # number of bounds
_SPAN = {"number": BigInteger, "low": BigInteger, "low_id": String, "high": BigInteger, "high_id": String}
_START: QueueKey = (-(2**63), "")
CHUNK = 200  # keys in one statement; each key binds five values
# The statement for one job, the most frequent case; built once, because building it takes longer than executing it.
_QUEUED_BETWEEN = select(func.count()).where(
    Job.priority == bindparam("priority"),
    Job.status == JobStatus.QUEUED,
    Job.position.between(bindparam("low"), bindparam("high")),
    or_(Job.position > bindparam("low"), Job.id >= bindparam("low_id")),
    or_(Job.position < bindparam("high"), Job.id < bindparam("high_id")),
)


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """The unfinished jobs of a batch: their number, and their first and last positions in the queue."""

    batch_id: str
    queued: int
    held: int
    running: int
    first: QueueKey | None  # of the queued jobs
    last: QueueKey | None
    first_start: datetime | None  # of the running jobs
    last_start: datetime | None


def find_ranks(session: Session, jobs: Iterable[Job]) -> dict[str, int]:
    """Return the rank of each queued job in its tier by ID, starting with 1; other jobs are skipped."""
    found: dict[str, int] = {}
    by_tier: dict[int, list[Job]] = {}
    for job in jobs:
        if job.status == JobStatus.QUEUED:
            by_tier.setdefault(job.priority, []).append(job)
    for priority, queued in by_tier.items():
        before = count_queued_before(session, priority, [(job.position, job.id) for job in queued])
        found |= {job.id: before[job.position, job.id] + 1 for job in queued}
    return found


def count_queued_before(session: Session, priority: int, keys: Iterable[QueueKey]) -> dict[QueueKey, int]:
    """Count for each key the queued jobs before it in a tier.

    Only the jobs between adjacent keys are counted, so that all keys together cost one walk over the index.
    """
    counts: dict[QueueKey, int] = {}
    ordered = sorted(set(keys))
    total, low = 0, _START
    for start in range(0, len(ordered), CHUNK):
        piece = ordered[start : start + CHUNK]
        between = _count_between(session, priority, [low, *piece])
        for key, count in zip(piece, between, strict=True):
            total += count
            counts[key] = total
        low = piece[-1]
    return counts


def _count_between(session: Session, priority: int, bounds: Sequence[QueueKey]) -> list[int]:
    if len(bounds) == _ONE_SPAN:
        (low, low_id), (high, high_id) = bounds
        span = {"priority": priority, "low": low, "low_id": low_id, "high": high, "high_id": high_id}
        return [session.execute(_QUEUED_BETWEEN, span).scalar_one()]
    rows = [(number, *low, *high) for number, (low, high) in enumerate(pairwise(bounds))]
    if session.get_bind().dialect.name == "postgresql":
        columns = dict(zip(_SPAN, map(list, zip(*rows, strict=True)), strict=True))
        return list(session.scalars(_QUEUED_IN_ARRAYS, {**columns, "priority": priority}))
    spans = values(*(column(name, kind) for name, kind in _SPAN.items()), name="spans").data(rows).cte("spans")
    return list(session.scalars(_queued_in(spans), {"priority": priority}))


def _queued_in(spans: FromClause) -> "Select[int]":
    """Count the queued jobs of each span."""
    counted = (
        select(func.count())
        .where(
            Job.priority == bindparam("priority"),
            Job.status == JobStatus.QUEUED,
            # The index serves the range; the two conditions below only decide equal positions at its ends.
            Job.position.between(spans.c.low, spans.c.high),
            or_(Job.position > spans.c.low, Job.id >= spans.c.low_id),
            or_(Job.position < spans.c.high, Job.id < spans.c.high_id),
        )
        .correlate(spans)
        .scalar_subquery()
    )
    return select(counted).select_from(spans).order_by(spans.c.number)


# Arrays are parameters of a statement that is built once; a list of VALUES is compiled for each call.
_ARRAYS: list[ColumnElement[Any]] = [
    cast(bindparam(name, type_=ARRAY(kind)), ARRAY(kind)) for name, kind in _SPAN.items()
]
_QUEUED_IN_ARRAYS = _queued_in(func.unnest(*_ARRAYS).table_valued(*_SPAN, name="spans").render_derived())


def batch_spans(session: Session, batch_ids: Sequence[str]) -> Mapping[str, BatchSpan]:
    """Return the spans of batches with unfinished jobs."""
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


def with_pending(span: BatchSpan | None, batch_id: str, pending: int) -> BatchSpan:
    """Return the span of a batch, with the jobs that are not written yet as queued ones."""
    known = span or BatchSpan(batch_id, 0, 0, 0, None, None, None, None)
    return replace(known, queued=known.queued + pending)


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
