"""Submission of jobs with the id and trace of the request, for logs and traces."""

from collections.abc import Callable
from dataclasses import replace

import structlog
from sqlalchemy.orm import Session

from gonemaster_db.core.records import NewJob
from gonemaster_db.models import Job
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.submit import submit_job
from gonemaster_tasks.tracing import traceparent

MAX_IN_TRACE = 100  # jobs of one request; tracing tools cannot display much larger traces


def about_request(jobs: int = 1) -> dict[str, str]:
    """Return the request id and, if there are not too many jobs, the trace that jobs of this request store."""
    trace = traceparent() if jobs <= MAX_IN_TRACE else ""
    found = {"request_id": structlog.contextvars.get_contextvars().get("request_id"), "traceparent": trace}
    return {name: value for name, value in found.items() if value}


def submit_traced_job(
    queue: QueueParts, new: NewJob, *, write: Callable[[Session, Job], None], separate: bool = False
) -> Job:
    """Queue a job as `submit_job` does, connected with the request.

    The job stores the request id and the trace, which its worker continues; the log line of the request has the job id.
    """
    job = submit_job(queue, replace(new, config={**new.config, **about_request()}), write=write, separate=separate)
    structlog.contextvars.bind_contextvars(job_id=job.id)
    return job
