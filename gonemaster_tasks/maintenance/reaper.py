"""Requeues or fails jobs whose lease has expired, and expires queued jobs whose time to start has passed."""

import logging
from datetime import datetime

from gonemaster_db.errors import JobStateError
from gonemaster_db.models import Job
from gonemaster_db.repositories.graduation import expire_jobs, requeue_job
from gonemaster_db.repositories.jobs import expired_leases, workers_with_several_jobs
from gonemaster_db.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import tier_of

log = logging.getLogger(__name__)

_CHUNK = 200


def reap(store: Store, broker: Broker, *, now: datetime, max_attempts: int) -> int:
    """Requeue jobs with expired leases, or fail them after `max_attempts` starts; return how many there were.

    Where a worker died with several jobs, none of them is blamed: each is tested alone from then on.
    """
    total = 0
    crowded: set[str] = set()  # workers
    while True:
        with store.read_only() as session:
            jobs = expired_leases(session, now=now, limit=_CHUNK)
            crowded |= workers_with_several_jobs(session, {job.worker for job in jobs if job.worker})
        for job in jobs:
            _reap_job(store, broker, job, now=now, max_attempts=max_attempts, beside_others=job.worker in crowded)
        total += len(jobs)
        if len(jobs) < _CHUNK:
            return total


def _reap_job(store: Store, broker: Broker, job: Job, *, now: datetime, max_attempts: int, beside_others: bool) -> None:
    worker, attempt = job.worker or "", job.attempt
    try:
        left = store.run_in_transaction(
            lambda session: requeue_job(
                session,
                job.id,
                worker=worker,
                attempt=attempt,
                now=now,
                max_attempts=max_attempts,
                beside_others=beside_others,
            )
        )
    except JobStateError:  # the worker graduated it or renewed the lease after all
        return
    about = {"job_id": job.id, "batch_id": job.batch_id, "worker": worker, "attempt": attempt}
    if isinstance(left, Job):
        log.warning("lease expired, job queued again", extra=about)
        _put_back(broker, job)
    else:
        log.warning("lease expired, job ended after its last attempt", extra={**about, "status": str(left.status)})


def _put_back(broker: Broker, job: Job) -> None:
    try:
        broker.lists.put_back(job.id, tier_of(job.priority))
    except BrokerUnavailable:  # the other jobs are requeued nevertheless
        log.warning("message not put back, it follows as soon as Redis answers", extra={"job_id": job.id})
        broker.reconciliation.post()


def expire(store: Store, *, now: datetime) -> int:
    """End waiting jobs that should have started by now; return how many. Claims of their messages find no row."""
    total = 0
    while True:
        ids = store.run_in_transaction(lambda session: expire_jobs(session, now=now, limit=_CHUNK))
        total += len(ids)
        if len(ids) < _CHUNK:
            return total
