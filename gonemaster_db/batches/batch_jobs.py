"""Waiting and running jobs of a batch, and copies of its jobs for a rerun."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Text, case, cast, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.batches.batches import match_batch
from gonemaster_db.core.records import NewJob
from gonemaster_db.core.states import WAITING
from gonemaster_db.models import Job, JobStatus, Priority, Run, RunStatus

SLICE = 2000


def waiting_of_batch(session: Session, batch_id: str, *, limit: int) -> list[str]:
    """Return the IDs of the queued and held jobs of a batch, from the back of the queue."""
    query = select(Job.id).where(Job.batch_id == batch_id, Job.status.in_(WAITING))
    return list(session.scalars(query.order_by(Job.position.desc(), Job.id.desc()).limit(limit)))


def count_waiting(session: Session, batch_id: str) -> int:
    """Count the queued and held jobs of a batch."""
    query = select(func.count()).select_from(Job).where(Job.batch_id == batch_id, Job.status.in_(WAITING))
    return session.scalar(query) or 0


def request_cancel_of_batch(session: Session, batch_id: str, *, now: datetime) -> list[str]:
    """Request the cancellation of the running jobs of a batch; return their IDs."""
    first = case((Job.cancel_requested_at.is_(None), now), else_=Job.cancel_requested_at)
    marked = (
        update(Job)
        .where(Job.batch_id == batch_id, Job.status == JobStatus.RUNNING)
        .values(cancel_requested_at=first)
        .returning(Job.id)
    )
    return sorted(session.scalars(marked, execution_options={"synchronize_session": False}))


def count_runs(session: Session, batch_id: str, *, status: RunStatus | None = None) -> int:
    """Count the runs of a batch, optionally of one status."""
    query = select(func.count()).select_from(Run).where(match_batch(session, batch_id))
    if status is not None:
        query = query.where(Run.status == status)
    return session.scalar(query) or 0


def count_option_characters(session: Session, batch_id: str, *, status: RunStatus | None = None) -> int:
    """Count the characters of the run options of a batch as JSON, optionally of one status."""
    query = select(func.sum(func.length(cast(Run.config, Text)))).where(match_batch(session, batch_id))
    if status is not None:
        query = query.where(Run.status == status)
    return session.scalar(query) or 0


def sample_job(session: Session, batch_id: str) -> NewJob | None:
    """Return a job with the options of a run of a batch, which differ only in the domain; None without a run."""
    return next(iter_repeated_jobs(session, batch_id), None)


def iter_repeated_jobs(session: Session, batch_id: str, *, status: RunStatus | None = None) -> Iterator[NewJob]:
    """Yield a new job with the same options for each run of a batch, optionally of one status, in slices."""
    columns = (Run.id, Run.domain, Run.profile, Run.profile_id, Run.profile_name, Run.config)
    query = select(*columns).where(match_batch(session, batch_id)).order_by(Run.id).limit(SLICE)
    if status is not None:
        query = query.where(Run.status == status)
    last = ""
    while runs := session.execute(query.where(Run.id > last)).all():
        for run in runs:
            yield NewJob(
                domain=run.domain,
                priority=Priority.BATCH,
                profile=run.profile,
                profile_id=run.profile_id,
                profile_name=run.profile_name,
                config=run.config,
            )
        last = runs[-1].id
