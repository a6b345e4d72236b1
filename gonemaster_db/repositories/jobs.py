"""Jobs from submission to claim and lease; how they end is in graduation.py, their order in queue.py."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.models import Job, Run
from gonemaster_db.records import LeaseRenewal, NewJob


def create_job(session: Session, new: NewJob, *, now: datetime | None = None) -> Job:
    """Queue one job at the end of its tier."""
    raise NotImplementedError


def create_jobs(session: Session, new: Iterable[NewJob], *, now: datetime | None = None) -> Iterator[list[str]]:
    """Queue many jobs in their order; yields the ids of each chunk once it is written.

    Reads from `new` only as much as one chunk holds: memory does not grow with the number of jobs.
    Nothing happens before the iterator is consumed.
    """
    raise NotImplementedError


def claim_job(session: Session, job_id: str, *, worker: str, now: datetime, lease: timedelta) -> Job | None:
    """Move a queued job to running, `attempt` one higher, and return it; None if it is not queued (any more).

    One conditional UPDATE decides the race, so a message delivered twice is harmless.
    """
    raise NotImplementedError


def renew_leases(
    session: Session, job_ids: Sequence[str], *, worker: str, now: datetime, lease: timedelta
) -> LeaseRenewal:
    """Renew the leases of all jobs of one worker by one statement."""
    raise NotImplementedError


def get_job(session: Session, job_id: str) -> Job:
    """Read an unfinished job. Raises JobNotFound."""
    raise NotImplementedError


def find_job_or_run(session: Session, job_id: str) -> Job | Run:
    """Read the job, or the run it has become. Raises JobNotFound."""
    raise NotImplementedError


def find_by_public_id(session: Session, public_id: str) -> Job | Run:
    """Read the job or run with this public id. Raises JobNotFound."""
    raise NotImplementedError


def expired_leases(session: Session, *, now: datetime, limit: int) -> list[Job]:
    """List running jobs whose lease ended before `now`, longest ago first."""
    raise NotImplementedError


def hold_job(session: Session, job_id: str) -> Job:
    """Move a queued job to paused; it keeps its place. Raises JobNotFound, JobStateError."""
    raise NotImplementedError


def release_job(session: Session, job_id: str) -> Job:
    """Move a paused job back to queued. Raises JobNotFound, JobStateError."""
    raise NotImplementedError
