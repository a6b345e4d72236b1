"""Ends what its worker left behind: jobs whose lease has run out, and queued jobs whose time has passed."""

import logging
from datetime import datetime

from gonemaster_db.errors import JobStateError
from gonemaster_db.models import Job
from gonemaster_db.repositories.graduation import expire_jobs, requeue_job
from gonemaster_db.repositories.jobs import expired_leases
from gonemaster_db.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.queues import tier_of

log = logging.getLogger(__name__)

_AT_ONCE = 200


def reap(store: Store, broker: Broker, *, now: datetime, max_attempts: int) -> int:
    """Queue jobs with ended leases again, or fail them after too many starts; return how many there were."""
    total = 0
    while True:
        with store.read_only() as session:
            jobs = expired_leases(session, now=now, limit=_AT_ONCE)
        for job in jobs:
            _reap_job(store, broker, job, now=now, max_attempts=max_attempts)
        total += len(jobs)
        if len(jobs) < _AT_ONCE:
            return total


def _reap_job(store: Store, broker: Broker, job: Job, *, now: datetime, max_attempts: int) -> None:
    worker, attempt = job.worker or "", job.attempt
    try:
        left = store.run_in_transaction(
            lambda session: requeue_job(
                session, job.id, worker=worker, attempt=attempt, now=now, max_attempts=max_attempts
            )
        )
    except JobStateError:  # it came to its end after all
        return
    about = {"job_id": job.id, "batch_id": job.batch_id, "worker": worker, "attempt": attempt}
    if isinstance(left, Job):
        log.warning("lease ended, job queued again", extra=about)
        broker.lists.put_back(job.id, tier_of(job.priority))
    else:
        log.warning("lease ended, job given up", extra={**about, "status": str(left.status)})


def expire(store: Store, *, now: datetime) -> int:
    """End waiting jobs that should have started by now; a claim of their messages then finds no row."""
    total = 0
    while True:
        ids = store.run_in_transaction(lambda session: expire_jobs(session, now=now, limit=_AT_ONCE))
        total += len(ids)
        if len(ids) < _AT_ONCE:
            return total
