"""Batches: making, reading, listing and counting them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gonemaster_db.clock import utcnow
from gonemaster_db.errors import BatchNotFound
from gonemaster_db.ids import new_batch_id
from gonemaster_db.models import Batch, BatchOrigin, Job, JobStatus, Run, RunStatus
from gonemaster_db.records import NewBatch, Page
from gonemaster_db.repositories.places import BatchSpan, batch_spans


@dataclass(frozen=True, slots=True)
class ListedBatch:
    """A batch and how far it is; `span` are the jobs that are left, None (and then a time of the end) if none is."""

    batch: Batch
    span: BatchSpan | None
    completed: int
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def total(self) -> int:
        """Jobs and runs together."""
        left = self.span.queued + self.span.held + self.span.running if self.span else 0
        return self.completed + left

    @property
    def is_done(self) -> bool:
        """Whether no job is left."""
        return self.span is None


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What jobs and runs of a batch come to, whatever a list of them is filtered by."""

    status_counts: Mapping[str, int]
    grades: Mapping[str, int]
    worst_levels: Mapping[str, int]
    started_at: datetime | None
    finished_at: datetime | None


def create_batch(session: Session, new: NewBatch, *, now: datetime | None = None) -> Batch:
    """Make a batch; its jobs follow with create_jobs in the same transaction."""
    batch = Batch(
        id=new_batch_id(),
        created_at=now or utcnow(),
        domain_count=new.domain_count,
        tag=new.tag,
        description=new.description,
        snapshot_intent=new.snapshot_intent,
        origin=BatchOrigin(new.origin),
    )
    session.add(batch)
    session.flush()
    return batch


def get_batch(session: Session, batch_id: str) -> Batch:
    """Read a batch. Raises BatchNotFound."""
    found = session.scalar(select(Batch).where(Batch.id == batch_id))
    if found is None:
        raise BatchNotFound(batch_id)
    return found


def set_snapshot_intent(session: Session, batch_id: str, *, intent: bool) -> Batch:
    """Say whether the results become snapshots. Raises BatchNotFound."""
    batch = get_batch(session, batch_id)
    batch.snapshot_intent = intent
    session.flush()
    return batch


def list_batches(
    session: Session, *, label: str = "", tag: str | None = None, limit: int = 20, offset: int = 0
) -> Page[ListedBatch]:
    """Page through batches, newest first; `label` is a part of the tag, `tag` all of it."""
    conditions = []
    if label:
        conditions.append(Batch.tag.icontains(label, autoescape=True))
    if tag is not None:
        conditions.append(Batch.tag == tag)
    total = session.scalar(select(func.count()).select_from(Batch).where(*conditions)) or 0
    query = select(Batch).where(*conditions).order_by(Batch.created_at.desc(), Batch.id.desc())
    batches = session.scalars(query.limit(limit).offset(offset)).all()
    return Page(_with_progress(session, batches), total, limit, offset)


def count_statuses(session: Session, batch_id: str) -> Mapping[str, int]:
    """Count jobs and runs of a batch by status; every status is present."""
    counts = dict.fromkeys([*map(str, JobStatus), *map(str, RunStatus)], 0)
    for model in (Job, Run):
        query = select(model.status, func.count()).where(model.batch_id == batch_id).group_by(model.status)
        for status, count in session.execute(query):
            counts[str(status)] += count
    return counts


def summarise_batch(session: Session, batch_id: str) -> BatchSummary:
    """Count statuses, grades and worst levels of a batch, and find when it began and ended."""
    counts = count_statuses(session, batch_id)
    unfinished = sum(counts[status] for status in JobStatus)
    first, last = session.execute(
        select(func.min(Run.started_at), func.max(Run.finished_at)).where(Run.batch_id == batch_id)
    ).one()
    running = session.scalar(select(func.min(Job.started_at)).where(Job.batch_id == batch_id))
    started = [moment for moment in (first, running) if moment is not None]
    return BatchSummary(
        status_counts=counts,
        grades=_count_by(session, batch_id, Run.grade),
        worst_levels=_count_by(session, batch_id, Run.worst_level),
        started_at=min(started, default=None),
        finished_at=None if unfinished else last,
    )


def count_unfinished(session: Session, batch_id: str) -> int:
    """Count the jobs of a batch that have not ended."""
    return session.scalar(select(func.count()).select_from(Job).where(Job.batch_id == batch_id)) or 0


def _with_progress(session: Session, batches: Sequence[Batch]) -> list[ListedBatch]:
    ids = [batch.id for batch in batches]
    spans = batch_spans(session, ids)
    query = select(Run.batch_id, func.count(), func.min(Run.started_at), func.max(Run.finished_at))
    runs = {row[0]: row for row in session.execute(query.where(Run.batch_id.in_(ids)).group_by(Run.batch_id))}
    return [_listed(batch, spans.get(batch.id), *(runs.get(batch.id) or (None, 0, None, None))) for batch in batches]


def _listed(
    batch: Batch, span: BatchSpan | None, _id: str | None, done: int, begun: datetime | None, ended: datetime | None
) -> ListedBatch:
    begun = begun or (span.first_start if span else None)
    return ListedBatch(batch, span, completed=done, started_at=begun, finished_at=None if span else ended)


def _count_by(session: Session, batch_id: str, column: InstrumentedAttribute[str | None]) -> dict[str, int]:
    query = select(column, func.count()).where(Run.batch_id == batch_id, column.is_not(None)).group_by(column)
    return {row[0] or "": row[1] for row in session.execute(query)}
