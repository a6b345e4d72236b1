"""The end of a job: it becomes a run of the same id, or goes back to the queue."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from gonemaster_db.models import Job, Run
from gonemaster_db.records import RunRecord


def graduate_job(session: Session, job_id: str, *, worker: str, attempt: int, record: RunRecord) -> Run:
    """Replace a running job by its run and entries.

    Raises:
        JobStateError: the claim is no longer that of this worker and attempt; nothing is written.
    """
    raise NotImplementedError


def fail_job(
    session: Session, job_id: str, *, error: str, now: datetime, worker: str | None = None, attempt: int | None = None
) -> Run:
    """End a job of any state as a failed run; with `worker` and `attempt` only if the claim is still theirs.

    Raises:
        JobNotFound: no such job.
        JobStateError: the claim is no longer theirs.
    """
    raise NotImplementedError


def requeue_job(
    session: Session,
    job_id: str,
    *,
    worker: str,
    attempt: int,
    now: datetime,
    max_attempts: int,
    released: bool = False,
) -> Job | Run:
    """Put a running job back to its place in the queue, after a lost lease or (`released`) by its own worker.

    With a cancel request it becomes a canceled run; after `max_attempts` starts (those that were released do not
    count) a failed one, error `abandoned after <n> attempts`.

    Raises:
        JobStateError: the claim is no longer that of this worker and attempt.
    """
    raise NotImplementedError


def request_cancel(session: Session, job_id: str, *, now: datetime, error: str = "canceled") -> Job | Run:
    """Cancel a waiting job at once (the run is returned) or mark a running one (the job is returned).

    A finished run is returned unchanged. Raises JobNotFound.
    """
    raise NotImplementedError


def cancel_waiting_jobs(session: Session, job_ids: Sequence[str], *, now: datetime, error: str) -> list[str]:
    """Graduate those of the jobs that wait (queued, paused) as canceled; returns their ids in order."""
    raise NotImplementedError


def expire_jobs(session: Session, *, now: datetime, limit: int) -> list[str]:
    """Graduate waiting jobs whose `expires_at` has passed as expired; returns their ids."""
    raise NotImplementedError
