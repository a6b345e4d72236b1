"""All jobs and runs of a list in order of ID, read in slices, for slow readers."""

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from gonemaster_db.core.filters import JobFilter
from gonemaster_db.domains.run_domains import has_part
from gonemaster_db.models import Job, Run
from gonemaster_db.runs.job_list import can_match, job_conditions


def jobs_after(session: Session, criteria: JobFilter, last: str, *, limit: int) -> list[Job | Run]:
    """Read the next matching jobs and runs after an ID, without their options."""
    found: dict[str, Job | Run] = {}
    # Jobs are read first: a job that graduates in between is found twice and counts as a run.
    if can_match(Job, criteria):
        jobs = select(Job).where(*job_conditions(session, Job, criteria), Job.id > last).order_by(Job.id).limit(limit)
        found |= {job.id: job for job in session.scalars(jobs.options(defer(Job.config)))}
    if can_match(Run, criteria):
        named = [has_part(criteria.domain)] if criteria.domain else []
        runs = select(Run).where(*job_conditions(session, Run, criteria), *named, Run.id > last).order_by(Run.id)
        found |= {run.id: run for run in session.scalars(runs.limit(limit).options(defer(Run.config)))}
    return [found[key] for key in sorted(found)[:limit]]
