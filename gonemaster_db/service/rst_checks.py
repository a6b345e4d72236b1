"""Rehearsals of Registry System Testing: their inputs and jobs. Results are read from the runs of the jobs."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session, defer

from gonemaster_db.core.errors import RstCheckNotFound
from gonemaster_db.core.records import Page
from gonemaster_db.models import Job, RstCheck, Run

MAX_CHECKS = 1_000  # older ones are deleted; the runs of their jobs stay
_RECENT = 100  # checks among which unfinished ones are counted


def add_check(session: Session, check_id: str, *, job_ids: Sequence[str], inputs: str, now: datetime) -> RstCheck:
    """Store a check, and delete the oldest checks beyond the limit."""
    check = RstCheck(id=check_id, created_at=now, job_ids=list(job_ids), inputs=inputs)
    session.add(check)
    session.flush()
    kept = select(RstCheck.id).order_by(RstCheck.created_at.desc(), RstCheck.id.desc()).limit(MAX_CHECKS)
    session.execute(
        delete(RstCheck).where(RstCheck.id.not_in(kept.scalar_subquery())),
        execution_options={"synchronize_session": False},
    )
    return check


def get_check(session: Session, check_id: str) -> RstCheck:
    """Read a check. Raises RstCheckNotFound."""
    check = session.get(RstCheck, check_id)
    if check is None:
        raise RstCheckNotFound(check_id)
    return check


def list_checks(session: Session, *, limit: int, offset: int) -> Page[RstCheck]:
    """Return a page of checks without their inputs, newest first."""
    query = select(RstCheck).order_by(RstCheck.created_at.desc(), RstCheck.id.desc()).limit(limit).offset(offset)
    total = session.scalar(select(func.count()).select_from(RstCheck)) or 0
    return Page(session.scalars(query.options(defer(RstCheck.inputs))).all(), total, limit, offset)


def count_unfinished(session: Session) -> int:
    """Return the number of recent checks with a job that has not finished."""
    recent = session.scalars(select(RstCheck.job_ids).order_by(RstCheck.created_at.desc()).limit(_RECENT)).all()
    job_ids = {job_id for of_check in recent for job_id in of_check}
    if not job_ids or not session.scalar(select(exists().where(Job.id.in_(job_ids)))):
        return 0
    waiting = set(session.scalars(select(Job.id).where(Job.id.in_(job_ids))))
    return sum(not waiting.isdisjoint(of_check) for of_check in recent)


def jobs_of_checks(session: Session, job_ids: Collection[str]) -> dict[str, Job | Run]:
    """Return the jobs with these IDs, or the runs that replaced them; deleted ones are missing."""
    found: dict[str, Job | Run] = {job.id: job for job in session.scalars(select(Job).where(Job.id.in_(job_ids)))}
    # Jobs are read first: a job that graduates between the queries would otherwise be found as neither.
    missing = [job_id for job_id in job_ids if job_id not in found]
    return found | {run.id: run for run in session.scalars(select(Run).where(Run.id.in_(missing)))}
