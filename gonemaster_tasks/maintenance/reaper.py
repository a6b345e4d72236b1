"""Requeues or fails jobs with expired leases, and expires queued jobs whose start deadline has passed."""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import JobStateError, StoreConflict
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.attempt_logs import add_attempt_log
from gonemaster_db.queue.jobs import end_leases, expired_leases, lock_expired, workers_with_several_jobs
from gonemaster_db.runs.graduation import expire_jobs, has_expired_jobs, requeue_job
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import tier_of

log = logging.getLogger(__name__)

_CHUNK = 50
_EXPIRED_AT_ONCE = 200
# The log of an attempt whose worker cannot store its lines.
_LEASE_EXPIRED = "timestamp={now!r} level='warning' event='lease expired; see the log of the worker' worker={worker!r}"
_LOCK_WAIT = timedelta(seconds=1)  # The wait for rows that all jobs write, such as the row of a domain or a counter.


def reap(
    store: Store,
    broker: Broker,
    *,
    now: datetime,
    max_attempts: int,
    worker: str | None = None,
    without: Collection[str] = (),
    may_continue: Callable[[], bool] = lambda: True,
) -> int:
    """Requeue or, after `max_attempts` starts, fail jobs with expired leases (of `worker`, if given); return the count.

    If a worker died with several jobs, the attempt does not count for any of them: from then on, each job runs alone.
    Rows locked by another
    transaction are skipped until the next time, as are jobs in `without`. `may_continue` is checked before each fifty
    jobs.
    """
    total = 0
    crowded: set[str] = set()  # workers
    while may_continue():
        with store.read_only() as session:
            jobs = expired_leases(session, now=now, limit=_CHUNK, worker=worker, without=without, skip_locked=True)
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
    """Reap one job; return whether this process reaped it."""
    worker, attempt = job.worker or "", job.attempt

    def requeue(session: Session) -> Job | Run | None:
        if not lock_expired(session, job.id, now=now):
            return None
        left = requeue_job(
            session,
            job.id,
            worker=worker,
            attempt=attempt,
            now=now,
            max_attempts=max_attempts,
            shared_worker=shared_worker,
        )
        lines = [_LEASE_EXPIRED.format(now=now.isoformat(), worker=worker)]
        add_attempt_log(session, job.id, attempt=attempt, worker=worker, ended_at=now, lines=lines)
        return left

    try:
        with store.lock_timeout(lock=_LOCK_WAIT):
            left = store.run_in_transaction(requeue, attempts=1)
    # The worker graduated the job or renewed its lease; otherwise the next round reaps it.
    except (JobStateError, StoreConflict):
        return False
    if left is None:
        return False
    about = {"job_id": job.id, "batch_id": job.batch_id, "worker": worker, "attempt": attempt}
    if isinstance(left, Job):
        log.warning("lease expired, job requeued", extra=about)
        _put_back(broker, job)
    else:
        log.warning("lease expired, job ended after its last attempt", extra={**about, "status": str(left.status)})
    return True


def void_claims(store: Store, *, worker: str, now: datetime) -> int:
    """Expire the leases of a worker process that has ended, for claims up to `now`; return their number.

    The jobs are reaped as after expiry: attempts count, and none of several jobs is blamed.
    """
    return store.run_in_transaction(lambda session: end_leases(session, worker=worker, now=now))


def _put_back(broker: Broker, job: Job) -> None:
    try:
        broker.lists.put_back(job.id, tier_of(job.priority))
    except BrokerUnavailable:  # The other jobs are requeued in any case.
        log.warning("message not requeued, requeued once Redis answers", extra={"job_id": job.id})
        broker.reconciliation.post()


def expire(store: Store, *, now: datetime) -> int:
    """Expire waiting jobs past their start deadline; return their number. Claims of their messages find no row."""
    total = 0
    with store.read_only() as session:
        # Usually no job has expired, and a write transaction would block others on SQLite.
        if not has_expired_jobs(session, now=now):
            return 0
    while True:
        with store.lock_timeout(lock=_LOCK_WAIT):
            ids = store.run_in_transaction(
                lambda session: expire_jobs(session, now=now, limit=_EXPIRED_AT_ONCE), attempts=1
            )
        total += len(ids)
        if len(ids) < _EXPIRED_AT_ONCE:
            return total
