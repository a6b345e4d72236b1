"""Batches: making, reading and counting them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.clock import utcnow
from gonemaster_db.errors import BatchNotFound
from gonemaster_db.ids import new_batch_id
from gonemaster_db.models import Batch, BatchOrigin, Job, JobStatus, Run, RunStatus
from gonemaster_db.records import NewBatch


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
    found = session.get(Batch, batch_id)
    if found is None:
        raise BatchNotFound(batch_id)
    return found


def count_statuses(session: Session, batch_id: str) -> Mapping[str, int]:
    """Count jobs and runs of a batch by status; every status is present."""
    counts = dict.fromkeys([*map(str, JobStatus), *map(str, RunStatus)], 0)
    for model in (Job, Run):
        query = select(model.status, func.count()).where(model.batch_id == batch_id).group_by(model.status)
        for status, count in session.execute(query):
            counts[str(status)] += count
    return counts
