"""All jobs or runs that match a filter of the list, for bulk changes."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.filters import JobFilter
from gonemaster_db.core.records import NewJob
from gonemaster_db.core.states import WAITING
from gonemaster_db.domains.run_domains import has_part
from gonemaster_db.models import Job, JobStatus, Priority, Run
from gonemaster_db.runs.job_list import can_match, job_conditions

_SLICE = 2000
_REPEATED = (Run.id, Run.domain, Run.profile, Run.profile_id, Run.profile_name, Run.config)


def waiting_of_filter(session: Session, criteria: JobFilter, *, limit: int) -> list[str]:
    """Return the IDs of matching queued and held jobs, from the back of the queue."""
    if not can_match(Job, criteria):
        return []
    query = select(Job.id).where(*job_conditions(session, Job, criteria), Job.status.in_(WAITING))
    return list(session.scalars(query.order_by(Job.position.desc(), Job.id.desc()).limit(limit)))


def count_unfinished(session: Session, criteria: JobFilter) -> int:
    """Count the matching waiting and running jobs."""
    if not can_match(Job, criteria):
        return 0
    query = select(func.count()).select_from(Job).where(*job_conditions(session, Job, criteria))
    return session.scalar(query) or 0


def request_cancel_of_filter(session: Session, criteria: JobFilter, *, now: datetime) -> list[str]:
    """Request the cancellation of the matching running jobs; return their IDs."""
    if not can_match(Job, criteria):
        return []
    running = (*job_conditions(session, Job, criteria), Job.status == JobStatus.RUNNING)
    first = case((Job.cancel_requested_at.is_(None), now), else_=Job.cancel_requested_at)
    marked = update(Job).where(*running).values(cancel_requested_at=first).returning(Job.id)
    return sorted(session.scalars(marked, execution_options={"synchronize_session": False}))


def count_repeatable(session: Session, criteria: JobFilter) -> tuple[int, int]:
    """Count the matching runs, and the characters of their options as JSON."""
    if not can_match(Run, criteria):
        return 0, 0
    length = func.coalesce(func.sum(func.length(cast(Run.config, Text))), 0)
    count, characters = session.execute(select(func.count(), length).where(*_run_conditions(session, criteria))).one()
    return count, int(characters)


def iter_repeated(session: Session, criteria: JobFilter) -> Iterator[NewJob]:
    """Yield a new job with the same options for each matching run, in slices."""
    if not can_match(Run, criteria):
        return
    query = select(*_REPEATED).where(*_run_conditions(session, criteria)).order_by(Run.id).limit(_SLICE)
    last = ""
    while runs := session.execute(query.where(Run.id > last)).all():
        yield from map(_again, runs)
        last = runs[-1].id


def repeated_jobs(session: Session, run_ids: Sequence[str]) -> list[NewJob]:
    """Return a new job with the same options for each run; IDs that are not runs are skipped."""
    rows = session.execute(select(*_REPEATED).where(Run.id.in_(run_ids)).order_by(Run.id))
    return [_again(run) for run in rows]


def _run_conditions(session: Session, criteria: JobFilter) -> list[ColumnElement[bool]]:
    found = job_conditions(session, Run, criteria)
    return [*found, has_part(criteria.domain)] if criteria.domain else found


def _again(run: Any) -> NewJob:
    return NewJob(
        domain=run.domain,
        priority=Priority.BATCH,
        profile=run.profile,
        profile_id=run.profile_id,
        profile_name=run.profile_name,
        config=run.config,
    )
