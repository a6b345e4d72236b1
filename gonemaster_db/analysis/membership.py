"""The members of a cohort that a batch tests."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gonemaster_db.models import Batch, Domain, DomainTag, Job, Run, RunStatus


def count_members(session: Session, tag: str) -> int:
    """Count the domains of a tag exactly; the lists of tags show a number that may be a few seconds old."""
    return session.scalar(select(func.count()).select_from(DomainTag).where(DomainTag.tag == tag)) or 0


def covers(session: Session, batch_key: int, tag: str, *, percent: int) -> bool:
    """Return whether the jobs and runs of a batch test at least `percent` of the domains of a tag."""
    members = count_members(session, tag)
    tested = members - len(list_untested_members(session, batch_key, tag))
    return tested > 0 and 100 * tested >= percent * members


def list_missing_members(session: Session, batch_key: int, tag: str) -> list[str]:
    """Return the domains of a tag without a succeeded run or an unfinished job in a batch, in order of name."""
    return list_untested_members(session, batch_key, tag, Run.status == RunStatus.SUCCEEDED)


def list_untested_members(session: Session, batch_key: int, tag: str, *of_runs: ColumnElement[bool]) -> list[str]:
    """Return the domains of a tag that have neither a job nor a matching run in a batch, in order of name."""
    batch_id = select(Batch.id).where(Batch.key == batch_key).scalar_subquery()
    # Not correlated: SQLite would read all jobs of the batch for each member.
    with_run = select(Run.domain_id).where(Run.batch_key == batch_key, *of_runs)
    with_job = select(Job.domain).where(Job.batch_id == batch_id)
    query = select(Domain.name).join(DomainTag, DomainTag.domain_id == Domain.id).where(DomainTag.tag == tag)
    query = query.where(Domain.id.not_in(with_run), Domain.name.not_in(with_job))
    return list(session.scalars(query.order_by(Domain.name)))
