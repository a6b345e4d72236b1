"""Changes of single jobs: rows first, then the broker; the reconciler repairs failures in between."""

import logging

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import JobNotFound, StoreError
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_db.runs.graduation import request_cancel
from gonemaster_db.service.audit import record_action
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.events import JobEvent
from gonemaster_tasks.control.broadcasts import post_cancel
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.revocation import revoke_jobs
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import tier_of

# Options of the job of a check before delegation: name and version of the policy of its run, and the time (POSIX
# seconds, shared clock) at which the run must have ended.
POLICY, RUN_UNTIL = "policy", "run_until"
_CHECKER = "check"  # the author of cancellations in the audit log

log = logging.getLogger(__name__)


def cancel_job(parts: QueueParts, job_id: str, *, error: str = "canceled", who: str = "") -> Job | Run:
    """Cancel a job: a waiting job becomes a canceled run immediately, a running job is stopped by its worker.

    The row decides: if a message is left in the queue, its claim discards it. A finished run is returned unchanged.

    Raises:
        JobNotFound: neither a job nor a run has this id.
    """
    with parts.store.read_only() as session:
        before = find_job_or_run(session, job_id)
    if isinstance(before, Run):
        return before

    now = parts.clock.now()

    def cancel(session: Session) -> Job | Run:
        canceled = request_cancel(session, job_id, now=now, error=error)
        details = {"status": str(canceled.status)}  # The job is running; its worker was notified.
        record_action(session, "job.cancel", who=who, now=now, target=job_id, details=details)
        return canceled

    after = parts.store.run_in_transaction(cancel)
    if isinstance(after, Job):
        post_cancel(parts.celery, [job_id])
    else:
        _forget_message(parts.broker, after)
        revoke_jobs(parts, [job_id])
    return after


def _forget_message(broker: Broker, run: Run) -> None:
    try:
        broker.lists.remove([run.id], tier_of(run.priority))
        # No worker has this job, so the event streams of its readers are ended here.
        broker.events.publish(run.id, JobEvent("done", {"status": str(run.status)}))
    except BrokerUnavailable:
        log.warning("message not removed, dropped when claimed", extra={"job_id": run.id})


def join_check(parts: QueueParts, job_id: str) -> None:
    """Count a client that waits for the result of a check."""
    try:
        parts.broker.check_clients.join(job_id)
    except BrokerUnavailable:
        log.warning("client of a check not counted", extra={"job_id": job_id})


def leave_check(parts: QueueParts, job_id: str) -> bool:
    """Remove a client; cancel the check if no client waits for it any longer. Return whether this was the last client.

    A check that cannot be canceled now ends by its own deadline.
    """
    try:
        if parts.broker.check_clients.leave(job_id) > 0:
            return False
        cancel_job(parts, job_id, who=_CHECKER)
    except JobNotFound:  # The run was deleted.
        return True
    except (BrokerUnavailable, StoreError) as error:
        log.warning("check not canceled, it ends at its deadline", extra={"job_id": job_id, "error": str(error)})
        return False
    return True
