"""Requeues or fails jobs whose lease has expired, and expires queued jobs whose time to start has passed."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import JobStateError, StoreConflict
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.jobs import end_leases, expired_leases, lock_expired, workers_with_several_jobs
from gonemaster_db.runs.graduation import expire_jobs, has_expired_jobs, requeue_job
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import tier_of

log = logging.getLogger(__name__)

_CHUNK = 50
_EXPIRED_AT_ONCE = 200
_LOCK_WAIT = timedelta(seconds=1)  # for what all jobs write to, such as the row of a domain or a counter


def reap(
    store: Store,
    broker: Broker,
    *,
    now: datetime,
    max_attempts: int,
    worker: str | None = None,
    goes_on: Callable[[], bool] = lambda: True,
) -> int:
    """Requeue jobs with expired leases (of one worker), or fail them after `max_attempts` starts; return how many.

    Where a worker died with several jobs, none of them is blamed: each is tested alone from then on. What another
    transaction holds is left to the next time, nothing is waited for. `goes_on` is asked before each fifty.
    """
    total = 0
    crowded: set[str] = set()  # workers
    while goes_on():
        with store.read_only() as session:
            jobs = expired_leases(session, now=now, limit=_CHUNK, worker=worker, skip_locked=True)
            if jobs:
                crowded |= workers_with_several_jobs(session, {job.worker for job in jobs if job.worker})
        reaped = 0
        for job in jobs:
            shared_worker = job.worker in crowded
            reaped += _reap_job(store, broker, job, now=now, max_attempts=max_attempts, shared_worker=shared_worker)
        total += reaped
        if len(jobs) < _CHUNK or not reaped:
            break
    return total


def _reap_job(store: Store, broker: Broker, job: Job, *, now: datetime, max_attempts: int, shared_worker: bool) -> bool:
    """Reap one job; returns whether it was done, and by this process."""
    worker, attempt = job.worker or "", job.attempt

    def requeue(session: Session) -> Job | Run | None:
        if not lock_expired(session, job.id, now=now):
            return None
        return requeue_job(
            session,
            job.id,
            worker=worker,
            attempt=attempt,
            now=now,
            max_attempts=max_attempts,
            shared_worker=shared_worker,
        )

    try:
        with store.lock_timeout(lock=_LOCK_WAIT):
            left = store.run_in_transaction(requeue, attempts=1)
    except (JobStateError, StoreConflict):  # the worker graduated it or renewed the lease after all; or the next time
        return False
    if left is None:
        return False
    about = {"job_id": job.id, "batch_id": job.batch_id, "worker": worker, "attempt": attempt}
    if isinstance(left, Job):
        log.warning("lease expired, job queued again", extra=about)
        _put_back(broker, job)
    else:
        log.warning("lease expired, job ended after its last attempt", extra={**about, "status": str(left.status)})
    return True


def void_claims(store: Store, *, worker: str, now: datetime) -> int:
    """End the leases of a worker process that is known to have ended, for claims up to `now`; return their number.

    They are reaped as if they had expired: attempts count, and none of several jobs is blamed.
    """
    return store.run_in_transaction(lambda session: end_leases(session, worker=worker, now=now))


def _put_back(broker: Broker, job: Job) -> None:
    try:
        broker.lists.put_back(job.id, tier_of(job.priority))
    except BrokerUnavailable:  # the other jobs are requeued nevertheless
        log.warning("message not put back, it follows as soon as Redis answers", extra={"job_id": job.id})
        broker.reconciliation.post()


def expire(store: Store, *, now: datetime) -> int:
    """End waiting jobs that should have started by now; return how many. Claims of their messages find no row."""
    total = 0
    with store.read_only() as session:
        if not has_expired_jobs(session, now=now):  # mostly so, and a transaction that writes stops others on SQLite
            return 0
    while True:
        with store.lock_timeout(lock=_LOCK_WAIT):
            ids = store.run_in_transaction(
                lambda session: expire_jobs(session, now=now, limit=_EXPIRED_AT_ONCE), attempts=1
            )
        total += len(ids)
        if len(ids) < _EXPIRED_AT_ONCE:
            return total
